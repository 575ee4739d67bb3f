#!/usr/bin/env bash
# Begin a recipe for another corpus: egs/NAME with its run.sh, and the list of what is left for you to write.
# usage: utils/new_recipe.sh NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${1-}
if (($# != 1)) || [[ ! $name =~ ^[a-z][a-z0-9_]*$ ]]; then
  echo "usage: utils/new_recipe.sh NAME     lower-case letters, digits and _, as in crema_d" >&2
  exit 2
fi
recipe=egs/$name
[[ ! -e $recipe ]] || { echo "new_recipe.sh: $recipe is there already; nothing was changed" >&2; exit 1; }

mkdir -p "$recipe/local"
cp egs/mini_iemocap/{cmd.sh,path.sh} "$recipe/"
printf 'speaker\ttype\tlabel\tcount\n' >"$recipe/local/expected_counts.tsv"
printf '# %s\n\nWhose corpus it is, where it comes from, its licence.\n\n    ./run.sh --corpus /path/to/%s\n' \
  "$name" "$name" >"$recipe/README.md"
cat >"$recipe/run.sh" <<EOF
#!/usr/bin/env bash
# $name (whose, when): ./run.sh --corpus /path/to/$name. ./run.sh --help
set -euo pipefail
cd "\$(dirname "\${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

parser=$name        # mscnn/corpora/$name.py
labels=$name        # conf/labels/$name.yaml
rate=16000          # Hz, of the recordings
channels=1
convert=false       # true: other rates and channels are converted, false: they are faults
protocol=leave_one_speaker_out   # conf/protocols
model=audio_cnn
text=none           # gt where the corpus has words

run_recipe "\$@"
EOF
chmod +x "$recipe/run.sh"

cat <<EOF
made $recipe/{run.sh,cmd.sh,path.sh,README.md,local/expected_counts.tsv}; left to write:
  1. mscnn/corpora/$name.py         parse(root: Path) -> Corpus, as in mscnn/corpora/ravdess.py
     mscnn/corpora/__init__.py      its line in CORPORA
  2. conf/labels/$name.yaml         classes, and which label of the corpus belongs to which
  3. $recipe/local/expected_counts.tsv   utterances by speaker, type and label, as published
  4. $recipe/run.sh                  the facts: protocol, rate, whether there are words
  5. $recipe/corpus.yaml             what the model card of a report says of it, as in egs/ravdess/corpus.yaml
then: $recipe/run.sh --corpus /path/to/$name --stop-stage data
EOF
