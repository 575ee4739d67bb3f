#!/usr/bin/env bash
# mini_iemocap: an invented corpus in IEMOCAP's layout, spoken by espeak-ng, generated on first use. ./run.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

generator=make_mini_iemocap # writes corpus/ unless --corpus names another
parser=iemocap
labels=iemocap4             # angry, happy + excited, sad, neutral
rate=16000                  # as IEMOCAP: a recording of another format is damaged
channels=1
convert=false
protocol=loso5              # five sessions, each tested once
model=mscnn_spu_att
text=gt
train_args="--set batch_size=16 max_epochs=20 patience=5" # 200 training utterances: 64 as in the paper would give three steps per epoch
asr_engine=pocketsphinx     # stage 4 also transcribes the speech; train on that with --text pocketsphinx

run_recipe "$@"
