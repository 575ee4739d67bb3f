# shellcheck shell=bash
# shellcheck disable=SC2034,SC2086,SC2154,SC2206 # variables of stages.sh, which sources this file; lists are separated by blanks
# How stages.sh runs a stage: commands with their log, what failed, and the joint data directory of two corpora.

say() { printf '%(%FT%T)T %s\n' -1 "$*"; }

# Run an entry point of mscnn, or print the command.
run() { # run NAME ARGUMENT...
  local command=(python3 -m "mscnn.bin.$1" "${@:2}") line
  printf -v line '%q ' "${command[@]}"
  $dry_run && echo "$line" && return
  if [[ ${MSCNN_BACKEND:-} == debug ]]; then # breakpoints need the terminal
    { say "\$ $line" && MSCNN_PARENT=$$ "${command[@]}"; } 2>&1 | tee -a "exp/log/stage$current.log"
    return
  fi
  local log status=0 tee
  # a full disk under the log is not told by tee: what the command writes meanwhile is
  exec {log}> >(trap '' INT TERM HUP && exec tee -a "exp/log/stage$current.log" 2>/dev/null)
  tee=$!
  say "\$ $line" >&"$log"
  supervise "${command[@]}" >&"$log" 2>&1 || status=$?
  exec {log}>&-
  wait "$tee" || true
  return "$status"
}

# Run a command as a process group of its own, which ends with this script: signals reach it at once.
supervise() { # supervise COMMAND...
  set -m
  MSCNN_PARENT=$$ "$@" &
  child=$!
  set +m
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

# End the running command and all its processes, then this script.
stop() { # stop STATUS
  trap '' INT TERM HUP
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    for _ in {1..20}; do
      kill -0 -- "-$child" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$child" 2>/dev/null || true
  fi
  exit "$1"
}

begin() { # begin STAGE
  current=$1 started=$SECONDS
  if $dry_run; then echo "# stage $1 ${stage_names[$1]}"; else say "stage $1 ${stage_names[$1]}"; fi
}

finish() {
  $dry_run || say "stage $current ${stage_names[current]}: done in $((SECONDS - started)) s" |
    tee -a "exp/log/stage$current.log" 2>/dev/null || true
  current=
}

# Name the stage that failed and its log. Exit status: 1 failed, 2 wrong options, 129, 130, 143 stopped by a signal.
on_exit() {
  local status=$? outcome="failed; its log: $PWD/exp/log/stage$current.log"
  $dry_run || { lock_release "$plan.run" && locks | xargs rm -f; }
  [[ -n $current ]] || return
  case $status in 129 | 130 | 143) outcome="interrupted; the same command continues it" ;; esac
  say "stage $current ${stage_names[current]} $outcome" >&2
  case $status in 2 | 129 | 130 | 143) exit "$status" ;; *) exit 1 ;; esac
}

# Choose a file for the plan that no other run has: $plan, or with a number; fails where it cannot be written.
choose_plan() {
  local first=$plan number=1 status owner=
  while status=0 && lock_try "$plan.run" || status=$?; ((status)); do
    ((status == 2)) || return 1
    owner=${owner:-$REPLY} plan=${first%.jsonl}.$((++number)).jsonl
  done
  [[ -z $owner ]] || say "$first is the plan of another run ($owner); that of this run: $plan"
}

# Print the lock files of the experiments that this run has.
locks() { find exp -maxdepth 1 -name '.*.lock' -exec grep -l "^$(lock_host) $$ " {} + 2>/dev/null || true; }

# End where FOLDER cannot be written.
unwritable() { # unwritable FOLDER
  echo "run.sh: $PWD/$1 cannot be written; allow it, free space, or copy the recipe elsewhere" >&2
  exit 1
}

# Convert a stage, a number or a name, to its number in REPLY.
stage_number() { # stage_number OPTION VALUE
  for REPLY in "${!stage_names[@]}"; do
    [[ $2 != "$REPLY" && $2 != "${stage_names[REPLY]}" ]] || return 0
  done
  option_error "$1 takes a stage, 0 to 6 or one of: ${stage_names[*]}; not '$2'"
}

# Train a share of the runs: with a plan of its own, and without what needs all runs.
take_shard() {
  [[ $shard =~ ^[0-9]+/[0-9]+$ ]] || option_error "--shard takes NUMBER/OF, such as 1/3, not '$shard'"
  plan=${plan%.jsonl}.${shard/\//of}.jsonl
  ((last < 6)) || { last=5 && say "--shard $shard: without stage 6; when all shards are done, run this once more without --shard"; }
}

# Join the data directories of --train-on and --test-on. Their label map is that of this run; several pairs are its grid.
join_corpora() {
  local made options=(--train-on $train_on --test-on $test_on --classes "$classes" --caller "$OLDPWD" --model $model --text $text)
  [[ -n $train_on && -n $test_on ]] || option_error "--train-on and --test-on belong together"
  if $dry_run; then run join "${options[@]}" && exit; fi
  made=$(python3 -m mscnn.bin.join "${options[@]}")
  labels=${made%%$'\n'*} protocol=cross_corpus corpus='' generator='' parser='' counts=() other_form=true voices=false usual=-
  [[ $made != *$'\n'* ]] || grid=${made##*$'\n'} option_given=() # the grid has the models and texts
}
