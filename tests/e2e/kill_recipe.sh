#!/usr/bin/env bash
# Kill the mini recipe with kill -9 at random moments, let it finish, and compare with a run that nobody disturbed: the same
# predictions and scores, byte for byte. Every other time only run.sh itself is killed, else all its processes.
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
for ((i = 1; i <= kills; i++)); do
  setsid "$folder/killed/egs/mini_iemocap/run.sh" "$@" >"$folder/killed.log" 2>&1 &
  process=$!
  moment=$((1 + RANDOM % (2 * duration / (kills + 1) + 1)))
  sleep "$moment"
  if ((i % 2)); then target=$process; else target=-$process; fi
  kill -9 -- "$target" 2>/dev/null || echo "kill $i: it had finished"
  wait "$process" 2>/dev/null || true
  echo "kill $i after $moment s: $(grep -o 'stage [0-9] [a-z]*' "$folder/killed.log" | tail -n 1)"
done
"$folder/killed/egs/mini_iemocap/run.sh" "$@" >"$folder/killed.log" 2>&1 || { cat "$folder/killed.log" && exit 1; }
diff <(results whole) <(results killed)
echo "killed $kills times, then finished: $(results whole | wc -l) files, all the same"
