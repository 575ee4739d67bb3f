# shellcheck shell=bash
# shellcheck disable=SC2034,SC2086,SC2206 # lists have blanks between and stand without quotes; set -f keeps * as it is
# The stages of every recipe. egs/<corpus>/run.sh sources this file in its own folder, states the facts of its corpus (any
# of the variables below) and calls `run_recipe "$@"`; what the user says on the command line wins over both.

# begin configuration section
stage=preflight         # first stage: number or name
stop_stage=score        # last stage: number or name
corpus=                 # folder of the corpus, which is only read; relative: to the recipe's folder, else to yours
parser=                 # who reads it: a name in mscnn/corpora
labels=                 # label map: a name in conf/labels, or a .yaml file, looked for as the corpus is
subset=all              # recordings to take: all, improvised or scripted
on_bad=stop             # issues in the corpus: stop, or skip what cannot be used (data/SET/excluded.tsv)
rate=16000              # sampling rate of the corpus, Hz
channels=1              # channels of the corpus
convert=false           # resample and mix down recordings of another form (true), or count them as issues (false)
trim=                   # trim the edges of a recording that are this many dB below its loudest part; empty: as the feature says
asr_engine=none         # ASR engines: pocketsphinx, faster-whisper, google, file; none: only those that --text names
asr_model=              # its model, a name or a folder; empty: its default
asr_table=              # transcripts somebody else made, `utterance words...` a line (--asr-engine file)
language=               # what is spoken, as in en-US; empty: the engine's default
model=                  # models: names in conf/models, or .yaml files, separated by blanks
set=                    # changes of their configuration, KEY=VALUE, separated by blanks, as in "training.lr=1e-4 hop=10"
text=gt                 # text that they take: gt (the corpus' own), ASR engines, or none; separated by blanks
xvector=extract         # x-vectors: extract (stage 2 makes them), an xvector.scp of yours, or none: models do without
xvector_model=espeak    # network of stage 2: a name in conf/xvector, or a folder laid out as Kaldi's public models
xvector_backend=auto    # kaldi: its programs, of KALDI_ROOT or PATH; native: the same without; auto: Kaldi where found
unvoiced=all-frames     # utterances without a voiced frame: all-frames, zero (a zero vector) or drop
wav2vec2=               # wav2vec 2.0, a folder or a name on the Hugging Face hub; empty: as the configuration says; none: its features are in dump/
tokens=word             # unit of text: word or sentencepiece
embeddings=none         # GloVe, word2vec or fastText file; none: word2vec trained on each training part
protocol=               # how the data are split into folds: names in conf/protocols, or .yaml files, separated by blanks
folds=0                 # train the first N folds of a protocol only, which score lines mark partial; 0: all
runs=1                  # repetitions of each fold, each with a seed of its own
seed=0                  # mixed into every seed
device=auto             # where to train, and where networks make x-vectors and features: cpu, cuda or auto
train_args=             # more options of mscnn.bin.train, split at blanks, as in "--tensorboard true"
tag=                    # name of the experiment, exp/TAG; empty: MODEL_TEXT_PROTOCOL, and _SET where SET is unusual
grid=                   # experiments of conf/grids (peng2021_table1, ...) or of a .yaml file, instead of --model and --text
nj=$(getconf _NPROCESSORS_ONLN) # parallel processes; results do not depend on it
jobs_per_device=1       # trainings at a time on each GPU
overwrite=false         # replace an experiment of the same name that was made with other options
plan=exp/plan.jsonl     # where the experiments of this run are written down; runs at the same time need a file each
dry_run=false           # check the options and print the commands, run nothing
config=                 # file with options, `name=value` a line; the command line wins
# end configuration section

generator= # a fact that is no option of a user: who makes the corpus where none is given
utils=${BASH_SOURCE[0]%/*}
stage_names=(preflight data xvector features transcripts train score)
current= # stage at work
help_message="usage: run.sh [--option value]...

SET is LABELS, or LABELS_SUBSET. All options are checked first. Each stage also writes exp/log/stageN.log.

  stage          reads                               writes
  0 preflight    this machine, the corpus            nothing: says what is missing, and the fix
  1 data         the corpus                          data/SET/{wav.scp,text,utt2spk,spk2utt,utt2emo,utt2dur,...,audit/}
  2 xvector      data/SET                            exp/xvector/SET/{xvector.scp,xvector.yaml,unvoiced.txt,...}
  3 features     data/SET                            dump/FEATURE/SET/{feats.scp,feature.yaml,...}; the audit's sound score
  4 transcripts  data/SET                            data/SET/text.ENGINE, exp/asr_ENGINE/SET/wer
  5 train        data/SET, dump/FEATURE/SET, ...     exp/TAG/fold*/run*/{model.safetensors,predictions_*.tsv,...}
  6 score        exp/TAG                             exp/TAG/{score_*.txt,report.html,RESULTS.md,figures/}"

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) ||
  { echo "run.sh: bash 4.4 or newer is needed, this is $BASH_VERSION (macOS: brew install bash)" >&2 && exit 2; }

run_recipe() { # run_recipe OPTION...
  local usual=$labels voices=false counts=() name first last
  . "$utils/parse_options.sh"
  (($# == 0)) || option_error "'$1' is no option; --help lists them"
  stage_number --stage "$stage" && first=$REPLY
  stage_number --stop-stage "$stop_stage" && last=$REPLY
  ((first <= last)) || option_error "--stage $stage comes after --stop-stage $stop_stage; their order: ${stage_names[*]}"
  [[ -n $corpus$generator ]] || ((first > 1)) || $dry_run || option_error "where is the corpus? --corpus FOLDER"
  if [[ -n $corpus ]]; then generator=; else corpus=${generator:+corpus} voices=true; fi
  for name in corpus asr_model asr_table; do # a relative path that only the caller's folder has counts from there
    [[ -z ${!name} || -e ${!name} || ! -e $OLDPWD/${!name} ]] || printf -v "$name" %s "$OLDPWD/${!name}"
  done
  [[ ! -f local/expected_counts.tsv ]] || counts=(--expected-counts local/expected_counts.tsv)
  set -f
  . ./path.sh
  make_plan
  trap on_exit EXIT
  [[ ! -t 2 ]] || export MSCNN_TERMINAL=/dev/tty # progress bars; standard error itself goes through tee
  # glibc gives every large array back to the kernel and asks for it again: a fifth of the time of training on a CPU
  export MALLOC_MMAP_THRESHOLD_=$((1 << 31)) MALLOC_TRIM_THRESHOLD_=$((1 << 32))

  if ((first <= 0 && 0 <= last)); then
    begin 0
    run doctor --plan "$plan" --stages "$first" "$last" --corpus "$parser" --corpus-root "$corpus" --voices $voices \
      --asr-engine $asr_engine --asr-model "$asr_model" --asr-table "$asr_table" --language "$language" \
      --xvector-backend "$xvector_backend" --nj "$nj"
    finish
  fi

  if ((first <= 1 && 1 <= last)); then
    begin 1
    [[ -z $generator ]] || run "$generator" --out "$corpus"
    run prepare_data --plan "$plan" --corpus "$parser" --root "$corpus" --on-bad "$on_bad" --rate "$rate" \
      --channels "$channels" --convert "$convert" "${counts[@]}"
    run audit --plan "$plan" --nj "$nj"
    finish
  fi

  if ((first <= 2 && 2 <= last)); then
    begin 2
    run extract_xvectors --plan "$plan" --backend "$xvector_backend" --unvoiced "$unvoiced" --convert "$convert" \
      --device "$device" --nj "$nj"
    finish
  fi

  if ((first <= 3 && 3 <= last)); then
    begin 3
    run extract_features --plan "$plan" --convert "$convert" --device "$device" --nj "$nj"
    run audit --plan "$plan" --audio-baseline true --nj "$nj" # again, now that there are features
    finish
  fi

  if ((first <= 4 && 4 <= last)); then
    begin 4
    run transcribe --plan "$plan" --engine ${asr_engine/none/} --model "$asr_model" --table "$asr_table" \
      --language "$language" --nj "$nj"
    finish
  fi

  if ((first <= 5 && 5 <= last)); then
    begin 5
    run train --plan "$plan" --nj "$nj" --jobs-per-device "$jobs_per_device" --overwrite "$overwrite"
    run predict --plan "$plan" --device "$device" --nj "$nj" --jobs-per-device "$jobs_per_device"
    finish
  fi

  if ((first <= 6 && 6 <= last)); then
    begin 6
    run score --plan "$plan"
    run report --plan "$plan"
    run tables --plan "$plan"
    finish
  fi
}

# Check all options, and write the plan. A run that was killed may have left processes at work: they hold the lock of the
# plan, and we wait until they are through.
make_plan() {
  local options=(--model $model --text $text --protocol $protocol --grid "$grid" --engine $asr_engine --corpus "$parser"
    --labels "$labels" --subset "$subset" --usual "$usual" --set $set "--train-args=$train_args" --folds "$folds"
    --runs "$runs" --seed "$seed" --tokens "$tokens" --embeddings "$embeddings" --xvector "$xvector"
    --xvector-model "$xvector_model" --wav2vec2 "$wav2vec2" --trim "$trim" --device "$device" --tag "$tag"
    --stages "$first" "$last" --caller "$OLDPWD" --out "$plan") lock
  if $dry_run; then
    run plan "${options[@]}"
  else
    mkdir -p exp/log
    exec {lock}>"$plan.lock"
    if command -v flock >/dev/null && ! flock --nonblock "$lock"; then
      say "another run is at work with $plan; waiting for it" && flock "$lock"
    fi
  fi
  python3 -m mscnn.bin.plan "${options[@]}" --dry-run "$dry_run"
  $dry_run || option_print >exp/log/options.conf
}

say() { printf '%(%FT%T)T %s\n' -1 "$*"; }

# Run an entry point of mscnn, or print the command.
run() { # run NAME ARGUMENT...
  local command=(python3 -m "mscnn.bin.$1" "${@:2}") line
  printf -v line '%q ' "${command[@]}"
  $dry_run && echo "$line" && return
  { say "\$ $line" && "${command[@]}"; } 2>&1 | tee -a "exp/log/stage$current.log"
}

begin() { # begin STAGE
  current=$1 started=$SECONDS
  if $dry_run; then echo "# stage $1 ${stage_names[$1]}"; else say "stage $1 ${stage_names[$1]}"; fi
}

finish() {
  $dry_run || say "stage $current ${stage_names[current]}: done in $((SECONDS - started)) s" |
    tee -a "exp/log/stage$current.log"
  current=
}

# Last words of a run that a stage ended. Statuses: 1 failed, 2 wrong options, 130 interrupted.
on_exit() {
  local status=$?
  [[ -n $current ]] || return
  say "stage $current ${stage_names[current]} failed; its log: $PWD/exp/log/stage$current.log" >&2
  case $status in 2 | 130) exit "$status" ;; *) exit 1 ;; esac
}

# Number of a stage given by number or name.
stage_number() { # stage_number OPTION VALUE
  for REPLY in "${!stage_names[@]}"; do
    [[ $2 != "$REPLY" && $2 != "${stage_names[REPLY]}" ]] || return 0
  done
  option_error "$1 takes a stage, 0 to 6 or one of: ${stage_names[*]}; found '$2'"
}
