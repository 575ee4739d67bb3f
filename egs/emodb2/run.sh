#!/usr/bin/env bash
# EmoDB 2.0 (Burkhardt et al., 2025): ./run.sh --corpus /path/to/emodb2
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${EMODB2_ROOT:-}
parser=emodb2           # conf/corpora/emodb2.yaml
labels=emodb2_7         # anger, boredom, disgust, fear, happiness, neutral, sadness
convert=true            # some copies have other rates
protocol=leave_one_speaker_out_pooled # each of the ten speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # ten sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
