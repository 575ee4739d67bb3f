#!/usr/bin/env bash
# MESD (Duville et al., 2021): ./run.sh --corpus /path/to/mesd
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${MESD_ROOT:-}
parser=mesd             # conf/corpora/mesd.yaml
labels=mesd6            # anger, disgust, fear, happiness, neutral, sadness
convert=true            # some copies have other rates
protocol=leave_one_speaker_out_share # each kind of voice is tested once
model="majority logmel_lr audio_cnn"
text=none               # the words of set B tell the emotion

run_recipe "$@"
