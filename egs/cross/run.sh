#!/usr/bin/env bash
# Across corpora: ./run.sh --train-on ../ravdess --test-on ../mini_iemocap. Both need their data directories. ./run.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

model="majority logmel_lr audio_cnn"
text=none

run_recipe "$@"
