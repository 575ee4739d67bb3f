#!/usr/bin/env bash
# URDU (Latif et al., 2018): ./run.sh --corpus /path/to/urdu
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${URDU_ROOT:-}
parser=urdu             # conf/corpora/urdu.yaml
labels=urdu4            # angry, happy, neutral, sad
convert=true            # some copies have other rates
protocol=k_speakers_pooled # speaker independent; parts of whole speakers lack classes
model="majority logmel_lr audio_cnn"
text=none               # there are no transcripts

run_recipe "$@"
