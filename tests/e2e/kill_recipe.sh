#!/usr/bin/env bash
# Stop the mini recipe at random moments of all stages with SIGKILL, SIGTERM, SIGINT and SIGHUP in turn, let it finish, and
# compare with a run that nobody disturbed: the same predictions and scores, byte for byte. Every other time the signal goes to
# run.sh itself, else to its process group. Five seconds later none of its processes may be left.
# usage: tests/e2e/kill_recipe.sh [NUMBER OF KILLS [OPTION OF run.sh]...]     about ten minutes on two cores for ten kills
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. ./path.sh

kills=${1:-10}
shift || true
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

recipe() { # recipe NAME: a copy of the recipe in a folder of its own, with the repository's code
  mkdir -p "$folder/$1/egs"
  cp -r egs/mini_iemocap "$folder/$1/egs/"
  rm -rf "$folder/$1"/egs/mini_iemocap/{corpus,data,dump,exp}
  ln -s "$PWD"/{conf,mscnn,path.sh,tools,utils} "$folder/$1"
}

results() { # results NAME: what must be the same
  (cd "$folder/$1/egs/mini_iemocap" && find exp data -name 'predictions_*' -o -name 'score_*' -o -name 'text*' |
    sort | xargs sha256sum)
}

recipe whole
recipe killed
start=$SECONDS
"$folder/whole/egs/mini_iemocap/run.sh" "$@" >"$folder/whole.log" 2>&1
duration=$((SECONDS - start))
echo "undisturbed: $duration s"

RANDOM=1
signals=(KILL TERM INT HUP)
for ((i = 1; i <= kills; i++)); do
  # a script's background processes ignore SIGINT, unless env brings it back
  setsid env --default-signal=INT "$folder/killed/egs/mini_iemocap/run.sh" "$@" >"$folder/killed.log" 2>&1 &
  process=$!
  moment=$((1 + RANDOM % (2 * duration / (kills + 1) + 1)))
  sleep "$moment"
  if ((i % 2)); then target=$process; else target=-$process; fi
  signal=${signals[i / 2 % 4]}
  kill -"$signal" -- "$target" 2>/dev/null || echo "kill $i: it had finished"
  wait "$process" 2>/dev/null || true
  sleep 5
  left=$(ps -s "$process" -o pid=,stat=,args= | awk '$2 !~ /^Z/' || true) # setsid gave them a session
  [[ -z $left ]] || { echo "SIG$signal: processes are left: $left" >&2 && exit 1; }
  echo "SIG$signal $i after $moment s: $(grep -o 'stage [0-9] [a-z]*' "$folder/killed.log" | tail -n 1)"
done
"$folder/killed/egs/mini_iemocap/run.sh" "$@" >"$folder/killed.log" 2>&1 || { cat "$folder/killed.log" && exit 1; }
diff <(results whole) <(results killed)
echo "killed $kills times, then finished: $(results whole | wc -l) files, all the same"
