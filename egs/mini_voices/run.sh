#!/usr/bin/env bash
# mini_voices: trains a small x-vector network on espeak-ng's voices and tests it on unseen voices. ./run.sh --help
set -euo pipefail

# begin configuration section
stage=1                 # first stage
stop_stage=4            # last stage
corpus=corpus           # folder for the recordings of stage 1, about 550 MB
train_data=data/train   # data directory with many speakers
model=exp/model         # model directory; stages 3 and 4 also take a name in conf/xvector
feature_conf=../../conf/xvector/espeak/conf # folder with mfcc.conf and vad.conf
widths="96 96 96 96 256" # outputs of tdnn1 to tdnn5
embedding_dim=96        # dimension of x-vectors
chunk="40 180"          # shortest and longest chunk to train on, voiced frames of 10 ms
epochs=12               # an epoch draws as many frames as the data have
sets=data/test          # data directories to test the x-vectors on, separated by blanks
convert=false           # resample and mix down recordings of another format
backend=auto            # computes the x-vectors: kaldi, native, or auto
device=auto             # for training and extraction: cpu, cuda or auto
nj=$(python3 -I "$(dirname "${BASH_SOURCE[0]}")/../../mscnn/jobs/machine.py" 2>/dev/null || getconf _NPROCESSORS_ONLN) # parallel processes of stage 3
seed=0                  # of voices, text, weights and chunks
# shellcheck disable=SC2034
config=                 # file with options, one `name=value` per line; the command line wins
# end configuration section

help_message="usage: run.sh [--option value]...      Relative paths are counted from this folder.

  stage      reads                      writes
  1 data     nothing                    CORPUS, data/{train,test}, disjoint in speakers
  2 train    TRAIN_DATA                 MODEL/{final.raw,extract.config,min_chunk_size,max_chunk_size,conf}
  3 extract  SETS, MODEL                exp/xvector/SET/xvector.scp
  4 score    SETS, exp/xvector/SET      exp/xvector/SET/eer.txt: equal error rate of all pairs of utterances"
. "$(dirname "${BASH_SOURCE[0]}")/../../utils/parse_options.sh"
(($# == 0)) || option_error "'$1' is no option; --help lists the options"
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ./path.sh
read -ra sets <<<"$sets"
same=$(basename -a "${sets[@]}" | sort | uniq -d)
[[ -z $same ]] || option_error "--sets: two folders named ${same//$'\n'/, }, which would share exp/xvector/NAME; rename one"
read -ra widths <<<"$widths"
read -ra chunk <<<"$chunk"

at() { ((stage <= $1 && $1 <= stop_stage)); }

run_command() { # run_command NAME ARGUMENT...
  printf '%(%FT%T)T $ python3 -m mscnn.bin.%s\n' -1 "$*" >&2
  python3 -m "mscnn.bin.$1" "${@:2}"
}

if at 1; then
  run_command make_mini_voices --wavs "$corpus" --seed "$seed" --out data
fi

if at 2; then
  run_command train_xvector --data "$train_data" --feature-conf "$feature_conf" --widths "${widths[@]}" \
    --embedding-dim "$embedding_dim" --chunk "${chunk[@]}" --min-frames "${chunk[1]}" --epochs "$epochs" \
    --seed "$seed" --device "$device" --convert "$convert" --out "$model"
fi

for data in "${sets[@]}"; do
  vectors=exp/xvector/$(basename "$data")
  if at 3; then
    run_command extract_xvectors --data "$data" --model "$model" --backend "$backend" --device "$device" --nj "$nj" \
      --convert "$convert" --out "$vectors"
  fi
  if at 4; then
    line=$(run_command score_trials --data "$data" --xvector "$vectors/xvector.scp") # on failure eer.txt stays
    tee "$vectors/eer.txt" <<<"$line"
  fi
done
