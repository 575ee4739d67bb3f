#!/usr/bin/env bash
# eNTERFACE'05 (Martin et al., 2006): ./run.sh --corpus /path/to/enterface, the folder that has "subject 1"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${ENTERFACE_ROOT:-}
parser=enterface        # conf/corpora/enterface.yaml
labels=enterface6       # anger, disgust, fear, happiness, sadness, surprise
convert=true            # the sound of the videos is 48 kHz
protocol=k_speakers     # speaker independent, five parts of the 42 speakers
model="majority logmel_lr audio_cnn"
text=none               # the sentences tell the emotion

run_recipe "$@"
