#!/usr/bin/env bash
# nEMO (Christop, 2024): ./run.sh --corpus /path/to/nemo, the folder of samples and data.tsv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${NEMO_ROOT:-}
parser=nemo             # conf/corpora/nemo.yaml
labels=nemo6            # anger, fear, happiness, neutral, sadness, surprised
convert=true            # some copies have other rates
protocol=leave_one_speaker_out # each of the nine speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # ninety sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
