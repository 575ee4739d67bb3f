#!/usr/bin/env bash
# SUBESCO (Sultana et al., 2021): ./run.sh --corpus /path/to/subesco
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${SUBESCO_ROOT:-}
parser=subesco          # conf/corpora/subesco.yaml
labels=subesco7         # anger, disgust, fear, happiness, neutral, sadness, surprise
convert=true            # several rates
protocol=subesco5       # two women and two men in each of the five parts
model="majority logmel_lr audio_cnn"
text=none               # ten sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
