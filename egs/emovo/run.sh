#!/usr/bin/env bash
# EMOVO (Costantini et al., 2014): ./run.sh --corpus /path/to/emovo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${EMOVO_ROOT:-}
parser=emovo            # conf/corpora/emovo.yaml
labels=emovo7           # anger, disgust, fear, joy, neutral, sadness, surprise
convert=true            # the release is 48 kHz
protocol=leave_one_speaker_out # each of the six speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # fourteen sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
