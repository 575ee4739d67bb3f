#!/usr/bin/env bash
# JL-Corpus (James et al., 2018): ./run.sh --corpus /path/to/jl
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${JL_ROOT:-}
parser=jl               # conf/corpora/jl.yaml
labels=jl5              # angry, excited, happy, neutral, sad; all ten emotions: jl10
convert=true            # the release is 44.1 kHz
protocol=leave_one_speaker_out # each of the four speakers is tested once
model="majority logmel_lr audio_cnn"
text=none               # fifteen sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
