#!/usr/bin/env bash
# CREMA-D (Cao et al., 2014): ./run.sh --corpus /path/to/CREMA-D
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${CREMAD_ROOT:-}
parser=cremad           # conf/corpora/cremad.yaml
labels=cremad6_intended # what the actor was asked for; also cremad6_voice, cremad6_audiovisual
convert=true            # some copies have other rates
protocol=k_speakers     # five parts of 18 or 19 speakers
model="majority logmel_lr audio_cnn"
text=none               # twelve sentences, each with every emotion: the text carries no emotion

run_recipe "$@"
