#!/usr/bin/env bash
# AESDD (Vryzas et al., 2018): ./run.sh --corpus /path/to/aesdd
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${AESDD_ROOT:-}
parser=aesdd            # conf/corpora/aesdd.yaml
labels=aesdd5           # anger, disgust, fear, happiness, sadness
convert=true            # some copies have other rates
protocol=leave_one_speaker_out # each of the six speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # about twenty sentences, each with every emotion

run_recipe "$@"
