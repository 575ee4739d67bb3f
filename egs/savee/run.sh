#!/usr/bin/env bash
# SAVEE (Haq and Jackson, 2009): ./run.sh --corpus /path/to/savee
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${SAVEE_ROOT:-}
parser=savee            # conf/corpora/savee.yaml
labels=savee7           # anger, disgust, fear, happiness, neutral, sadness, surprise
convert=true            # the release has 44.1 kHz
protocol=leave_one_speaker_out # each of the four speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # the release has no transcripts

run_recipe "$@"
