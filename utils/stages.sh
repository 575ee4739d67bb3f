# shellcheck shell=bash
# The stages of every recipe. egs/<corpus>/run.sh sources this file in its own folder, states the facts of its corpus (any
# of the variables below) and calls `run_recipe "$@"`; what the user says on the command line wins over both.

# begin configuration section
stage=preflight         # first stage: number or name
stop_stage=score        # last stage: number or name
corpus=                 # folder of the corpus, which is only read; relative: to the recipe's folder, else to yours
parser=                 # who reads it: a name in mscnn/corpora
labels=                 # label map: a name in conf/labels, or a .yaml file, looked for as the corpus is
subset=all              # recordings to take: all, improvised or scripted
on_bad=stop             # faults in the corpus: stop, or skip what cannot be used (data/SET/excluded.tsv)
rate=16000              # sampling rate of the corpus, Hz
channels=1              # channels of the corpus
convert=false           # resample and mix down recordings of another form (true), or count them as faults (false)
trim=                   # cut the edges of a recording that stay this many dB below its loudest part; empty: as the feature says
asr_engine=none         # recognisers: pocketsphinx, faster-whisper, google, file; none: only those that --text names
asr_model=              # its model, a name or a folder; empty: its default
asr_table=              # transcripts somebody else made, `utterance words...` a line (--asr-engine file)
model=                  # systems: names in conf/models, or .yaml files, separated by blanks
text=gt                 # words that they read: gt (the corpus' own), ASR engines, or none; separated by blanks
xvector=extract         # x-vectors: extract (stage 2 makes them), an xvector.scp of yours, or none: models do without
xvector_model=espeak    # network of stage 2: a name in conf/xvector, or a folder laid out as Kaldi's public models
xvector_backend=auto    # kaldi: its programs, of KALDI_ROOT or PATH; native: the same without; auto: Kaldi where found
unvoiced=all-frames     # utterances without a voiced frame: all-frames, zero (a zero vector) or drop
wav2vec2=               # wav2vec 2.0, a folder or a name on the Hugging Face hub; empty: as the configuration says; none: its features are in dump/
tokens=word             # unit of text: word or sentencepiece
embeddings=none         # GloVe, word2vec or fastText file; none: word2vec trained on each training part
protocol=               # how the data are cut into folds: names in conf/protocols, or .yaml files, separated by blanks
folds=0                 # train the first N folds of a protocol only, which score lines mark partial; 0: all
runs=1                  # repetitions of each fold, each with a seed of its own
seed=0                  # mixed into every seed
device=auto             # where to train: cpu, cuda or auto
train_args=             # more options of mscnn.bin.train, split at blanks, as in "--set fc_dim=256"
tag=                    # name of the experiment, exp/TAG; empty: MODEL_TEXT_PROTOCOL, and _SET where SET is unusual
grid=                   # experiments of conf/grids (peng2021_table1, ...) or of a .yaml file, instead of --model and --text
nj=$(getconf _NPROCESSORS_ONLN) # parallel processes; results do not depend on it
overwrite=false         # replace an experiment of the same name that was made with other options
dry_run=false           # print the commands, run nothing
# shellcheck disable=SC2034
config=                 # file with options, `name=value` a line; the command line wins
# end configuration section

# A fact that is no option of a user: who makes the corpus where none is given.
generator=

current= # stage at work
utils=${BASH_SOURCE[0]%/*}
stage_names=(preflight data xvector features transcripts train score)
help_message="usage: run.sh [--option value]...

SET is LABELS, or LABELS_SUBSET. Each stage also writes exp/log/stageN.log.

  stage          reads                               writes
  0 preflight    this machine, the corpus            nothing: says what is missing, and the cure
  1 data         the corpus                          data/SET/{wav.scp,text,utt2spk,spk2utt,utt2emo,utt2dur,...,audit/}
  2 xvector      data/SET                            exp/xvector/SET/{xvector.scp,xvector.yaml,unvoiced.txt,...}
  3 features     data/SET                            dump/FEATURE/SET/{feats.scp,feature.yaml,...}; the audit's sound score
  4 transcripts  data/SET                            data/SET/text.ENGINE, exp/asr_ENGINE/SET/wer
  5 train        data/SET, dump/FEATURE/SET, ...     exp/TAG/fold*/run*/{model.safetensors,predictions_*.tsv,...}
  6 score        exp/TAG                             exp/TAG/{score_*.txt,report.html,RESULTS.md,figures/}"

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  echo "run.sh: bash 4.4 or newer is needed, this is $BASH_VERSION (macOS: brew install bash)" >&2
  exit 2
fi

say() { printf '%(%FT%T)T %s\n' -1 "$*"; }

# Run an entry point of mscnn, or print it; what it writes is the last argument. A run that was killed may have left an
# entry point at work: the lock makes us wait until it is through.
verb() { # verb NAME ARGUMENT...
  local command=(python3 -m "mscnn.bin.$1" "${@:2}") line lock
  printf -v line '%q ' "${command[@]}"
  if $dry_run; then
    echo "$line"
    return
  fi
  say "\$ $line"
  if command -v flock >/dev/null; then
    lock=exp/log/.$1.${!#//[^[:alnum:]._-]/_}.lock
    flock --nonblock "$lock" true || say "another process is still writing ${!#}; waiting for it"
    command=(flock "$lock" "${command[@]}")
  fi
  "${command[@]}"
}

stage_preflight() {
  local needs=(--labels "$labels" --feature "${features[@]}" --protocol "${protocols[@]}" --device "$device")
  if [[ -n $generator ]]; then needs+=(--voices true); else needs+=(--corpus "$parser" --corpus-root "$corpus"); fi
  ((${#engines[@]} == 0)) || needs+=(--asr-engine "${engines[@]}" --asr-model "$asr_model" --asr-table "$asr_table")
  ! $extracts || ((first > 2 || last < 2)) || needs+=(--xvector-model "$xvector_model" --xvector-backend "$xvector_backend")
  $extracts || needs+=(--xvector "$vectors")
  if ((last == 1 || last == 2)); then needs+=(--wav2vec2 none); else needs+=(--model "${systems[@]}" --wav2vec2 "$wav2vec2"); fi
  verb doctor "${needs[@]}" --embeddings "$embeddings"
}

stage_data() {
  local counts=()
  [[ -z $generator ]] || verb "$generator" --out "$corpus"
  [[ ! -f local/expected_counts.tsv ]] || counts=(--expected-counts local/expected_counts.tsv)
  verb prepare_data --corpus "$parser" --root "$corpus" --labels "$labels" --subset "$subset" --on-bad "$on_bad" \
    --rate "$rate" --channels "$channels" --convert "$convert" "${counts[@]}" --out "$data"
  audit
}

audit() { # audit OPTION...
  verb audit --data "$data" --protocol "${protocols[@]}" --labels "$labels" --folds "$folds" "$@" \
    --nj "$nj" --out "$data/audit"
}

stage_xvector() {
  verb extract_xvectors --data "$data" --model "$xvector_model" --backend "$xvector_backend" --unvoiced "$unvoiced" \
    --convert "$convert" --device "$device" --nj "$nj" --out "${vectors%/*}"
}

stage_features() {
  local name changes
  for name in "${features[@]}"; do
    changes=(${trim:+--set "trim_db=$trim"})
    if [[ $name == wav2vec2 ]]; then
      [[ $wav2vec2 != none ]] || continue
      changes+=(${wav2vec2:+--set "model=$wav2vec2"})
    fi
    verb extract_features --data "$data" --feature "$name" "${changes[@]}" --convert "$convert" \
      --nj "$nj" --out "$(dump_of "$name")"
  done
  audit --feature-dir "$(dump_of "${features[0]}")" # now with what the sound alone earns
}

stage_transcripts() {
  local engine options=(${asr_model:+--model "$asr_model"} ${asr_table:+--table "$asr_table"})
  for engine in "${engines[@]}"; do
    verb transcribe --data "$data" --engine "$engine" "${options[@]}" --nj "$nj" --out "exp/asr_$engine/$set_name"
  done
}

stage_train() {
  local experiment name cell dumps words changes extra
  read -ra extra <<<"$train_args"
  for experiment in "${experiments[@]}"; do
    IFS=$'\t' read -ra cell <<<"$experiment" # TAG MODEL TEXT PROTOCOL FOLDS RUNS X-VECTOR FEATURES TESTED-ON CHANGE...
    if [[ ${cell[8]} != - ]]; then
      verb predict --exp "exp/${cell[0]%_on_*}" --text "${cell[8]}" --device "$device" --nj "$nj" --out "exp/${cell[0]}"
      continue
    fi
    mapfile -t dumps < <(for name in ${cell[7]#-}; do dump_of "$name"; done)
    words=(--text "${cell[2]}" --tokens "$tokens" --embeddings "$embeddings")
    [[ ${cell[2]} != none ]] || words=()
    changes=("${cell[@]:9}")
    verb train --model "${cell[1]}" --data "$data" --labels "$labels" --feature-dir "${dumps[@]}" "${words[@]}" \
      --xvector "$vectors" --protocol "${cell[3]}" --folds "${cell[4]}" --runs "${cell[5]}" --seed "$seed" \
      --device "$device" --nj "$nj" --overwrite "$overwrite" ${changes[0]:+--set "${changes[@]}"} "${extra[@]}" \
      --exp "exp/${cell[0]}"
  done
}

stage_score() {
  local folder
  for folder in "${exps[@]}"; do
    verb score --data "$data" --exp "$folder"
    verb report --data "$data" --exp "$folder"
  done
  [[ -z $grid ]] || grid_tables
}

# What recognised words cost, a table for each protocol under which models are tested on other words than their own; and
# one overview of the experiments under all other protocols.
grid_tables() {
  local name rows folders stem others=()
  stem=exp/$(basename "$grid" .yaml)
  for name in "${protocols[@]}"; do
    mapfile -t rows < <(printf '%s\n' "${experiments[@]}" | awk -F '\t' -v p="$name" '$4 == p')
    folders=("${rows[@]/#/exp/}")
    folders=("${folders[@]%%$'\t'*}")
    if printf '%s\n' "${rows[@]}" | awk -F '\t' '$9 != "-" { found = 1 } END { exit !found }'; then
      verb robustness --exp "${folders[@]}" --out "$stem$( ((${#protocols[@]} == 1)) || echo "_$(basename "$name" .yaml)")"
    else
      others+=("${folders[@]}")
    fi
  done
  ((${#others[@]} == 0)) || verb overview --exp "${others[@]}" --out "$stem"
}

# Why a stage has nothing to do; silent where it has.
idle() { # idle STAGE
  case $1 in
    xvector)
      if [[ $vectors == none ]]; then echo "no model reads x-vectors"; elif ! $extracts; then echo "models read $vectors"; fi
      ;;
    features) ((${#features[@]})) || echo "no model listens" ;;
    transcripts) ((${#engines[@]})) || echo "nothing asked for recognised words" ;;
  esac
}

run_stage() { # run_stage NUMBER
  local name=${stage_names[$1]} title start=$SECONDS reason
  title="stage $1 $name"
  reason=$(idle "$name")
  reason=${reason:+skipped: $reason}
  if $dry_run; then
    echo "# $title: ${reason:-${reads[$1]} -> ${writes[$1]}}"
    [[ -n $reason ]] || "stage_$name"
  elif [[ -n $reason ]]; then
    say "$title: $reason"
  else
    current=$1
    {
      say "$title: ${reads[$1]} -> ${writes[$1]}"
      "stage_$name"
      say "$title: done in $((SECONDS - start)) s: ${writes[$1]}"
    } 2>&1 | tee -a "exp/log/stage$1.log"
    current=
  fi
}

# Last words of a run that a stage ended. Statuses: 1 failed, 2 wrong options, 130 interrupted.
on_exit() {
  local status=$?
  if [[ -n $current ]]; then
    say "stage $current ${stage_names[current]} failed; its log: $PWD/exp/log/stage$current.log" >&2
    case $status in 2 | 130) exit "$status" ;; *) exit 1 ;; esac
  fi
}

# Number of a stage given by number or name.
stage_number() { # stage_number OPTION VALUE
  for REPLY in "${!stage_names[@]}"; do
    [[ $2 != "$REPLY" && $2 != "${stage_names[REPLY]}" ]] || return 0
  done
  option_error "$1 takes a stage, 0 to 6 or one of: ${stage_names[*]}; found '$2'"
}

# Folder of a feature.
dump_of() { # dump_of NAME
  echo "dump/$(basename "$1" .yaml)/$set_name"
}

# Let a variable whose relative path only the caller's folder has hold the path from there.
of_caller() { # of_caller VARIABLE
  [[ -z ${!1} || -e ${!1} || ! -e $OLDPWD/${!1} ]] || printf -v "$1" %s "$OLDPWD/${!1}"
}

# What follows from the options: experiments, recognisers, and the folders in between.
resolve() {
  local name n names=(labels grid)
  for name in corpus xvector xvector_model wav2vec2 asr_model asr_table embeddings; do
    [[ ${!name} == @(none|extract) ]] || of_caller "$name"
  done
  read -rd '' -a models <<<"$model" || true # read ends with 1 where the list does
  read -rd '' -a cuts <<<"$protocol" || true
  for n in "${!models[@]}"; do names+=("models[$n]"); done
  for n in "${!cuts[@]}"; do names+=("cuts[$n]"); done
  for name in "${names[@]}"; do # names in conf, or files
    [[ ${!name} != *.y?(a)ml ]] || of_caller "$name"
  done
  if [[ -n $corpus ]]; then generator=; else corpus=${generator:+corpus}; fi
  set_name=$(basename "$labels" .yaml)
  [[ $subset == all ]] || set_name+=_$subset
  data=data/$set_name
  plan
  extracts=false vectors=none
  if $knows_speaker && [[ $xvector == extract ]]; then
    extracts=true vectors=exp/xvector/$set_name/xvector.scp
  elif $knows_speaker; then
    vectors=$xvector
  fi
}

# What is to be trained, and what all of that reads.
plan() {
  local engine=$asr_engine suffix=
  [[ $set_name == "$usual_labels" ]] || suffix=_$set_name
  [[ $engine != none ]] || engine=pocketsphinx # what a grid calls asr where nobody named a recogniser
  # shellcheck disable=SC2086 # lists, with blanks between
  mapfile -t experiments < <(python3 -m mscnn.bin.plan --model "${models[@]}" --text $text --protocol "${cuts[@]}" --grid "$grid" \
    --engine $engine --folds "$folds" --runs "$runs" --xvector "$xvector" --wav2vec2 "$wav2vec2" --tag "$tag" --suffix "$suffix")
  ((${#experiments[@]})) || exit 2 # it has said why
  exps=("${experiments[@]/#/exp/}")
  exps=("${exps[@]%%$'\t'*}")
  mapfile -t systems < <(column_of 2)
  mapfile -t protocols < <(column_of 4)
  mapfile -t features < <(column_of 8 | tr ' ' '\n' | awk '$0 != "-" && !seen[$0]++')
  mapfile -t engines < <({ tr ' ' '\n' <<<"$asr_engine"; column_of 3; column_of 9; } | awk '!/^(none|gt|-|)$/ && !seen[$0]++')
  knows_speaker=false
  ! column_of 7 | grep -qx true || knows_speaker=true
}

# What stands in a column of the experiments, each once.
column_of() { # column_of NUMBER
  printf '%s\n' "${experiments[@]}" | awk -F '\t' -v column="$1" '!seen[$column]++ { print $column }'
}

run_recipe() { # run_recipe OPTION...
  local usual_labels=$labels first last n origin dumps reads writes
  . "$utils/parse_options.sh"
  (($# == 0)) || option_error "'$1' is no option; --help lists them"
  stage_number --stage "$stage" && first=$REPLY
  stage_number --stop-stage "$stop_stage" && last=$REPLY
  ((first <= last)) ||
    option_error "--stage $stage comes after --stop-stage $stop_stage; their order: ${stage_names[*]}"
  [[ -n $corpus$generator ]] || ((first > 1)) || $dry_run || option_error "where is the corpus? --corpus FOLDER"

  [[ ! -t 2 ]] || export MSCNN_TERMINAL=/dev/tty # progress bars; standard error itself goes through tee
  if ! $dry_run; then
    mkdir -p exp/log
    option_print >exp/log/options.conf
    trap on_exit EXIT
  fi
  . ./path.sh
  resolve
  mapfile -t dumps < <(for n in "${features[@]}"; do dump_of "$n"; done)
  origin=$corpus${generator:+ (made by $generator)}
  reads=("this machine, $origin" "$origin" "$data" "$data" "$data" "$data, ${dumps[*]:-}, $vectors" "${exps[*]}")
  writes=(nothing "$data" "${vectors%/*}" "${dumps[*]:-}" "${engines[*]/#/$data/text.}" "${exps[*]}" "${exps[*]}")
  for ((n = first; n <= last; n++)); do
    run_stage "$n"
  done
  if ((last == 6)) && ! $dry_run; then
    head -qn 1 "${exps[@]/%//score_test.txt}"
  fi
}
