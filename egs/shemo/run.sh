#!/usr/bin/env bash
# ShEMO (Mohamad Nezami et al., 2019): ./run.sh --corpus /path/to/shemo, the folder that has female and male
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${SHEMO_ROOT:-}
parser=shemo            # conf/corpora/shemo.yaml
labels=shemo5           # anger, happiness, neutral, sadness, surprise; with fear: shemo6
convert=true            # 44.1 kHz, in places 22.05 kHz
protocol=k_speakers     # speaker independent, five parts of the 87 speakers
model="majority logmel_lr audio_cnn"
text=none               # gt, where shemo.json is there

run_recipe "$@"
