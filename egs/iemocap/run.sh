#!/usr/bin/env bash
# IEMOCAP (Busso et al., 2008): ./run.sh --corpus /path/to/IEMOCAP_full_release, or export IEMOCAP_ROOT. ./run.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${IEMOCAP_ROOT:-}
parser=iemocap
labels=iemocap4     # angry, happy + excited, sad, neutral: 5,531 utterances
rate=16000          # the release is 16 kHz mono; a file of another format is damaged
channels=1
convert=false
protocol=random10   # that of the MSCNN-SPU paper; speaker dependent, unlike speaker10 and loso5
runs=3              # as in the paper
model=mscnn_spu_att
xvector_model=voxceleb  # as in the paper; tools/download_xvector_model.sh fetches it, --xvector none trains without
embeddings=glove.840B.300d  # as in the paper; tools/download_glove.sh fetches it, --embeddings word2vec trains without
text=gt             # --text "gt pocketsphinx" also transcribes and trains on ASR transcripts: hours of decoding

run_recipe "$@"
