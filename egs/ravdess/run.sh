#!/usr/bin/env bash
# RAVDESS speech (Livingstone and Russo, 2018): ./run.sh --corpus /path/to/ravdess, the folder of Actor_01 ... Actor_24.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${RAVDESS_ROOT:-}
parser=ravdess          # conf/corpora/ravdess.yaml
labels=ravdess8         # neutral, calm, happy, sad, angry, fearful, disgust, surprised
convert=true            # the release is 48 kHz, some of it stereo
trim=30                 # dB; recordings begin and end with a second of silence
protocol=ravdess6       # speaker independent, four actors per fold
runs=3
model="audio_cnn audio_cnn_xvector"
text=none               # two sentences in all: the text carries no emotion

run_recipe "$@"
