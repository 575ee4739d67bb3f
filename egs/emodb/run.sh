#!/usr/bin/env bash
# EmoDB (Burkhardt et al., 2005): ./run.sh --corpus /path/to/emodb, the folder that has wav/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${EMODB_ROOT:-}
parser=emodb
labels=emodb7           # anger, boredom, disgust, fear, happiness, neutral, sadness
rate=16000
convert=true            # some copies have other rates
protocol=k_speakers     # speaker independent, two of the ten speakers per fold
model=audio_cnn
text=none               # ten sentences in all, each with every emotion: the text carries no emotion

run_recipe "$@"
