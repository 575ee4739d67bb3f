#!/usr/bin/env bash
# RAVDESS, speech and songs (Livingstone and Russo, 2018): ./run.sh --corpus /path/to/ravdess
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${RAVDESS_ROOT:-}
parser=ravdess_all      # conf/corpora/ravdess_all.yaml
labels=ravdess8_all     # neutral, calm, happy, sad, angry, fearful, disgust, surprised
convert=true            # the release has 48 kHz, some of it stereo
protocol=ravdess6       # speaker independent, four actors per fold
model="majority logmel_lr audio_cnn"
text=none               # two sentences in all: the text carries no emotion

run_recipe "$@"
