#!/usr/bin/env bash
# EmoDB (Burkhardt et al., 2005): ./run.sh --corpus /path/to/emodb
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${EMODB_ROOT:-}
parser=emodb            # conf/corpora/emodb.yaml
labels=emodb7           # anger, boredom, disgust, fear, happiness, neutral, sadness
convert=true            # some copies have other rates
protocol=leave_one_speaker_out_pooled # each of the ten speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # ten sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
