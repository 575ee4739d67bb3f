#!/usr/bin/env bash
# ESD (Zhou et al., 2021): ./run.sh --corpus /path/to/ESD
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${ESD_ROOT:-}
parser=esd              # conf/corpora/esd.yaml
labels=esd5             # angry, happy, neutral, sad, surprise
convert=true            # some copies have other rates
protocol=k_speakers     # five parts of four speakers
model="majority logmel_lr audio_cnn"
text=none               # 350 sentences a language, each with every emotion: the text carries no emotion

run_recipe "$@"
