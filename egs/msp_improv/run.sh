#!/usr/bin/env bash
# MSP-IMPROV (Busso et al., 2017): ./run.sh --corpus /path/to/MSP-IMPROV, the folder of Evalution.txt and Audio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${MSP_IMPROV_ROOT:-}
parser=msp_improv
labels=msp_improv4      # anger, happiness, neutral, sadness
convert=true            # the release is 44.1 kHz
protocol=msp_improv6    # leave one session of two speakers out
runs=3
model="majority logmel_lr audio_cnn audio_cnn_xvector"
text=none               # the transcripts are an archive of their own; with them: --text gt

run_recipe "$@"
