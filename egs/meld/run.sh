#!/usr/bin/env bash
# MELD (Poria et al., 2019): ./run.sh --corpus /path/to/MELD.Raw, the folder of the three *_sent_emo.csv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${MELD_ROOT:-}
parser=meld
labels=meld7        # anger, disgust, fear, joy, neutral, sadness, surprise
protocol=meld       # the publishers' split: disjoint in dialogues, not in speakers
runs=3
model="majority tfidf_lr tfidf_lr_marks tfidf_lr_balanced text_cnn text_cnn_balanced tre text_bre"
text=gt
convert=true        # the clips, if they are there: AAC of several rates and channels

run_recipe "$@"
