#!/usr/bin/env bash
# CASIA (Chinese Academy of Sciences, 2005): ./run.sh --corpus /path/to/casia
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${CASIA_ROOT:-}
parser=casia            # conf/corpora/casia.yaml
labels=casia6           # angry, fear, happy, neutral, sad, surprise
convert=true            # some copies have other rates
protocol=leave_one_speaker_out # each of the four speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # fifty sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
