#!/usr/bin/env bash
# MSP-Podcast (Lotfian and Busso, 2019): ./run.sh --corpus /path/to/MSP-Podcast, the folder of Labels and Audios.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

corpus=${MSP_PODCAST_ROOT:-}
parser=msp_podcast
labels=msp_podcast8     # anger, sadness, happiness, surprise, fear, disgust, contempt, neutral
convert=true            # one recording is stereo, 44.1 kHz
protocol="msp_podcast_test1 msp_podcast_test2" # the publishers' partitions
model="majority logmel_lr audio_cnn"
text=none               # with the transcripts of the release: --text gt

run_recipe "$@"
