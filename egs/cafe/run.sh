#!/usr/bin/env bash
# CaFE (Gournay et al., 2018): ./run.sh --corpus /path/to/cafe
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${CAFE_ROOT:-}
parser=cafe             # conf/corpora/cafe.yaml
labels=cafe7            # anger, disgust, fear, happiness, neutral, sadness, surprise
convert=true            # the release has 48 kHz
protocol=k_speakers     # five parts of two or three speakers
model="majority logmel_lr audio_cnn"
text=none               # six sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
