#!/usr/bin/env bash
# EmoV-DB (Adigwe et al., 2018): ./run.sh --corpus /path/to/emovdb
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${EMOVDB_ROOT:-}
parser=emovdb           # conf/corpora/emovdb.yaml
labels=emovdb5          # amused, angry, disgusted, neutral, sleepy
convert=true            # bea has 44.1 kHz, the others 16 kHz
protocol=leave_one_speaker_out_pooled # each of the four speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # transcripts only where cmuarctic.data is added

run_recipe "$@"
