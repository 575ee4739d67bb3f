# shellcheck shell=bash
# shellcheck disable=SC2034,SC2086,SC2206 # lists are separated by blanks and not quoted; set -f keeps * from expanding
# The stages of every recipe. egs/<corpus>/run.sh sources this file in its own folder, sets the values of its corpus (any
# of the variables below) and calls `run_recipe "$@"`; options on the command line win over both.

# begin configuration section
stage=preflight         # first stage: number or name
stop_stage=score        # last stage: number or name
corpus=                 # folder of the corpus, which is never changed; relative to the recipe's folder or to yours
parser=                 # corpus: a name in conf/corpora or mscnn/corpora, or a file: .yaml (description), .py with parse(root)
labels=                 # label map: a name in conf/labels, or a .yaml file
subset=all              # recordings to use: all, improvised or scripted
on_bad=stop             # if the corpus has issues: stop, or skip the affected utterances (listed in data/SET/excluded.tsv)
rate=                   # sampling rate that the corpus is specified as, Hz, to check the recordings; empty: any
channels=               # channels that the corpus is specified as, likewise
convert=true            # convert recordings of any rate and channels (true), or report others than specified as issues (false)
trim=                   # trim leading and trailing audio that is this many dB below the loudest part; empty: as configured
asr_engine=none         # ASR engines: pocketsphinx, faster-whisper, google, file; none: only those in --text
asr_model=              # model of the ASR engine, a name or a folder; empty: the default of the engine
asr_table=              # existing transcripts, one line `utterance words...` per utterance (for --asr-engine file)
language=               # spoken language, such as en-US; empty: that of the corpus, as far as it is known, else that of the engine
model=                  # models: names in conf/models, or .yaml files, separated by blanks
set=                    # changes of their configuration, KEY=VALUE, separated by blanks, as in "training.lr=1e-4 hop=10"
text=gt                 # transcripts: gt (reference transcripts), ASR engines, or none; separated by blanks
xvector=extract         # x-vectors: extract (by stage 2), an xvector.scp, or none (models without x-vectors)
xvector_model=espeak    # x-vector network: a name in conf/xvector, or a folder in the layout of Kaldi's public models
xvector_backend=auto    # kaldi (programs in KALDI_ROOT or PATH), native (the same without Kaldi), or auto (Kaldi if found)
unvoiced=all-frames     # utterances without voiced frames: all-frames (use all frames), zero (a zero vector) or drop
wav2vec2=               # wav2vec 2.0: a folder or a name on the Hugging Face hub; empty: as configured; none: features are in dump/
pretrained=             # networks of features, FEATURE=MODEL (a folder, file or hub name; none: as above), separated by blanks
tokens=word             # unit of text: word or sentencepiece
embeddings=word2vec     # word vectors: a file, a name in conf/embeddings, or word2vec (trained on each training part)
protocol=               # evaluation protocols: names in conf/protocols, or .yaml files, separated by blanks
folds=0                 # number of folds to train, from the first; score lines are marked partial; 0: all
runs=1                  # repetitions of each fold, with different seeds
seed=0                  # mixed into every seed
device=auto             # device for training, x-vectors and features: cpu, cuda or auto
train_args=             # further options of mscnn.bin.train, separated by blanks, as in "--tensorboard true"
train_on=               # train on these instead of --corpus: recipes or data directories; A+B: both together; A B: one each
test_on=                # and test on these; several pairs are a grid, as in --train-on "A B" --test-on "A B"
classes=common          # with --train-on: classes, separated by commas; common: those of all its corpora
tag=                    # name of the experiment, exp/TAG; empty: MODEL_TEXT_PROTOCOL, and _SET if SET is not the default
grid=                   # experiments of conf/grids (peng2021_table1, ...) or of a .yaml file, instead of --model and --text
nj=$(python3 -I "${BASH_SOURCE[0]%/*}/../mscnn/jobs/machine.py" 2>/dev/null || getconf _NPROCESSORS_ONLN) # parallel processes; results do not depend on the number
jobs_per_device=0       # trainings at a time on each GPU; 0: what fits
backend=                # where jobs run: local, debug or slurm, with options as in "slurm --mem 4G"; empty: as cmd.sh says
shard=                  # train a share of the folds and runs, 2/3: the second of three machines, which share this folder
overwrite=false         # replace an experiment of the same name that has other options
plan=exp/plan.jsonl     # file that lists the experiments of this run; while another run has it, exp/plan.2.jsonl, and so on
dry_run=false           # check the options and print the costs and the commands, run nothing
config=                 # file with options, one line `name=value` per option; the command line wins
# end configuration section

# Set by a recipe, not options: the command that makes the corpus if --corpus is not given, or the function that finds it.
generator='' reader=''
utils=${BASH_SOURCE[0]%/*}
stage_names=(preflight data xvector features transcripts train score)
current="" child="" # the running stage, and the process of its command
help_message="usage: run.sh [--option value]...

SET is LABELS or LABELS_SUBSET. All options are checked first. Each stage also writes exp/log/stageN.log.

  stage          reads                               writes
  0 preflight    this machine, the corpus            nothing: prints what is missing, with the fix
  1 data         the corpus                          data/SET/{wav.scp,text,utt2spk,spk2utt,utt2emo,utt2dur,...,audit/}
  2 xvector      data/SET                            exp/xvector/SET/{xvector.scp,xvector.yaml,unvoiced.txt,...}
  3 features     data/SET                            dump/FEATURE/SET/{feats.scp,feature.yaml,...}; audio baseline of the audit
  4 transcripts  data/SET                            data/SET/text.ENGINE, exp/asr_ENGINE/SET/wer, dump/TEXT_ENCODER/SET/ENGINE
  5 train        data/SET, dump/FEATURE/SET, ...     exp/TAG/fold*/run*/{model.safetensors,predictions_*.tsv,...}
  6 score        exp/TAG                             exp/TAG/{score_*.txt,report.html,RESULTS.md,figures/}"

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) ||
  { echo "run.sh: bash 4.4 or newer is needed, this is $BASH_VERSION (macOS: brew install bash)" >&2 && exit 2; }

run_recipe() { # run_recipe OPTION...
  local usual=$labels voices=false other_form=true counts=() files=(corpus asr_model asr_table) name first last
  . "$utils/parse_options.sh" && . "$utils/lock.sh" && . "$utils/run_stage.sh"
  (($# == 0)) || option_error "'$1' is not an option; --help lists the options"
  stage_number --stage "$stage" && first=$REPLY
  stage_number --stop-stage "$stop_stage" && last=$REPLY
  [[ -z $shard ]] || take_shard
  ((first <= last)) || option_error "--stage $stage comes after --stop-stage $stop_stage; their order: ${stage_names[*]}"
  ${reader:-:} # sets corpus, labels and protocol
  [[ -n $corpus$generator$train_on ]] || ((first > 1)) || $dry_run || option_error "the corpus is missing: give --corpus FOLDER, or --train-on and --test-on"
  if [[ -n $corpus ]]; then generator=; else corpus=${generator:+corpus} voices=true; fi
  [[ $parser != *.* ]] || files+=(parser)
  for name in "${files[@]}"; do # a relative path is looked up here, then in the caller's folder
    [[ -z ${!name} || -e ${!name} || ! -e $OLDPWD/${!name} ]] || printf -v "$name" %s "$OLDPWD/${!name}"
  done
  [[ $convert == true || ${rate:-16000} != 16000 || ${channels:-1} != 1 ]] || other_form=false # all is as features need it
  [[ ! -f local/expected_counts.tsv ]] || counts=(--expected-counts local/expected_counts.tsv)
  [[ -z $backend ]] || { unset "${!MSCNN_BACKEND_@}" && export MSCNN_BACKEND=$backend; }
  set -f && . ./path.sh
  [[ -z $train_on$test_on ]] || join_corpora
  trap on_exit EXIT
  trap 'stop 129' HUP && trap 'stop 130' INT && trap 'stop 143' TERM
  make_plan
  [[ ! -t 2 ]] || export MSCNN_TERMINAL=/dev/tty # progress bars; standard error itself goes through tee
  # glibc returns every large array to the kernel and requests it again: a fifth of the time of training on a CPU
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
    [[ -n $train_on ]] || run prepare_data --plan "$plan" --corpus "$parser" --root "$corpus" --on-bad "$on_bad" \
      --rate "${rate:-0}" --channels "${channels:-0}" --convert "$convert" "${counts[@]}"
    run audit --plan "$plan" --nj "$nj"
    finish
  fi

  if ((first <= 2 && 2 <= last)); then
    begin 2
    run extract_xvectors --plan "$plan" --backend "$xvector_backend" --unvoiced "$unvoiced" --convert $other_form \
      --device "$device" --nj "$nj"
    finish
  fi

  if ((first <= 3 && 3 <= last)); then
    begin 3
    run extract_features --plan "$plan" --convert $other_form --device "$device" --nj "$nj"
    run audit --plan "$plan" --audio-baseline true --nj "$nj" # again, now that there are features
    finish
  fi

  if ((first <= 4 && 4 <= last)); then
    begin 4
    run transcribe --plan "$plan" --engine ${asr_engine/none/} --model "$asr_model" --table "$asr_table" \
      --language "$language" --nj "$nj"
    run extract_features --plan "$plan" --transcripts true --device "$device" --nj "$nj" # vectors of these transcripts
    finish
  fi

  if ((first <= 5 && 5 <= last)); then
    begin 5
    run train --plan "$plan" --nj "$nj" --jobs-per-device "$jobs_per_device" --overwrite "$overwrite" ${shard:+--shard "$shard"}
    [[ -n $shard ]] || run predict_experiments --plan "$plan" --device "$device" --nj "$nj" --jobs-per-device "$jobs_per_device"
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

# Check all options, write the plan, and lock its experiments, which another run may not have at the same time.
make_plan() {
  $dry_run || { mkdir -p exp/log "${plan%/*}" && choose_plan; } 2>/dev/null || unwritable "${plan%/*}"
  local options=(--model $model --text $text --protocol $protocol --engine $asr_engine --set $set --corpus "$parser"
    --asr-model "$asr_model" --language "$language"
    --usual "$usual" --stages "$first" "$last" --caller "$OLDPWD" --out "$plan" --grid "$grid" --labels "$labels"
    --subset "$subset" --on-bad "$on_bad" "--train-args=$train_args" --folds "$folds" --runs "$runs" --seed "$seed"
    --tokens "$tokens" --embeddings "$embeddings" --xvector "$xvector" --xvector-model "$xvector_model"
    --xvector-backend "$xvector_backend" --unvoiced "$unvoiced" --wav2vec2 "$wav2vec2" --pretrained $pretrained --trim "$trim" --device "$device"
    --nj "$nj" --jobs-per-device "$jobs_per_device" --tag "$tag" --overwrite "$overwrite" ${shard:+--shard "$shard"}
    --given "${option_given[@]}")
  if $dry_run; then run plan "${options[@]}"; fi
  supervise python3 -m mscnn.bin.plan "${options[@]}" --dry-run "$dry_run"
  $dry_run || { MSCNN_LOCKS=$(locks) && export MSCNN_LOCKS; } # the commands of the stages keep them fresh
  $dry_run || option_print 2>/dev/null >exp/log/options.conf || unwritable exp/log
}
