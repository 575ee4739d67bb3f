#!/usr/bin/env bash
# RAVDESS, songs (Livingstone and Russo, 2018): ./run.sh --corpus /path/to/ravdess
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${RAVDESS_ROOT:-}
parser=ravdess_song     # conf/corpora/ravdess_song.yaml
labels=ravdess6_song    # neutral, calm, happy, sad, angry, fearful
convert=true            # the release has 48 kHz, some of it stereo
protocol=k_speakers     # five parts of four or five speakers
model="majority logmel_lr audio_cnn"
text=none               # two sentences in all: the text carries no emotion

run_recipe "$@"
