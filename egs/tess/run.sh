#!/usr/bin/env bash
# TESS (Pichora-Fuller and Dupuis, 2020): ./run.sh --corpus /path/to/tess
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${TESS_ROOT:-}
parser=tess             # conf/corpora/tess.yaml
labels=tess7            # anger, disgust, fear, happiness, neutral, pleasant_surprise, sadness
convert=true            # the release has 24,414 Hz, one recording 96 kHz
protocol=leave_one_speaker_out_share # train on one woman, test on the other
model="majority logmel_lr audio_cnn"
text=none               # 200 words, each with every emotion: the text carries no emotion

run_recipe "$@"
