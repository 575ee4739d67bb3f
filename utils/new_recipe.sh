#!/usr/bin/env bash
# Create a recipe for another corpus: egs/NAME with its run.sh, and a list of the files that you have to write.
# usage: utils/new_recipe.sh NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${1-}
if (($# != 1)) || [[ ! $name =~ ^[a-z][a-z0-9_]*$ ]]; then
  echo "usage: utils/new_recipe.sh NAME     lower-case letters, digits and _, as in crema_d" >&2
  exit 2
fi
recipe=egs/$name
[[ ! -e $recipe ]] || { echo "new_recipe.sh: $recipe exists; nothing was changed" >&2; exit 1; }

mkdir -p "$recipe/local"
cp egs/mini_iemocap/{cmd.sh,path.sh} "$recipe/"
printf 'speaker\ttype\tlabel\tcount\n' >"$recipe/local/expected_counts.tsv"
cat >"$recipe/README.md" <<EOF
# $name

## Corpus

Who speaks what, in which language; how many utterances; who labelled them (authors, year).

## Licence

## Get it

## Run

    ./run.sh --corpus /path/to/$name

## Results

Not measured yet.

## What to read into them
EOF
cat >"$recipe/run.sh" <<EOF
#!/usr/bin/env bash
# $name (authors, year): ./run.sh --corpus /path/to/$name. ./run.sh --help
set -euo pipefail
cd "\$(dirname "\${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

parser=$name        # mscnn/corpora/$name.py
labels=$name        # conf/labels/$name.yaml
rate=16000          # Hz, of the recordings
channels=1
convert=false       # other rates and channels: true converts them, false reports issues
protocol=leave_one_speaker_out   # conf/protocols
model=audio_cnn
text=none           # gt where the corpus has transcripts

run_recipe "\$@"
EOF
chmod +x "$recipe/run.sh"

cat <<EOF
made $recipe/{run.sh,cmd.sh,path.sh,README.md,local/expected_counts.tsv}; files to write:
  1. mscnn/corpora/$name.py         parse(root: Path) -> Corpus, as in mscnn/corpora/ravdess.py
     mscnn/corpora/__init__.py      one line in CORPORA
  2. conf/labels/$name.yaml         classes, and the label map from labels of the corpus
  3. $recipe/local/expected_counts.tsv   utterances by speaker, type and label, as published
  4. $recipe/run.sh                  protocol, rate, and whether there are transcripts
  5. $recipe/corpus.yaml             facts for the model card of reports, as in egs/ravdess/corpus.yaml
then: $recipe/run.sh --corpus /path/to/$name --stop-stage data
EOF
