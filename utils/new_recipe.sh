#!/usr/bin/env bash
# Create a recipe for a new corpus: egs/NAME with its run.sh, and a list of the files to write.
# usage: utils/new_recipe.sh NAME
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${1-}
if (($# != 1)) || [[ ! $name =~ ^[a-z][a-z0-9_]*$ ]]; then
  echo "usage: utils/new_recipe.sh NAME     lower-case letters, digits and _, as in crema_d" >&2
  exit 2
fi
recipe=egs/$name
[[ ! -e $recipe ]] || { echo "new_recipe.sh: $recipe exists already; nothing was changed" >&2; exit 1; }

mkdir -p "$recipe/local"
cp egs/mini_iemocap/{cmd.sh,path.sh} "$recipe/"
cat >"$recipe/README.md" <<EOF
# $name

## Corpus

Speakers, language and material; number of utterances; annotation (authors, year).

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
protocol=k_speakers_pooled   # conf/protocols; stage 1 names those that fit
model=audio_cnn
text=none           # gt where the corpus has transcripts

run_recipe "\$@"
EOF
chmod +x "$recipe/run.sh"

cat <<EOF
wrote $recipe/{run.sh,cmd.sh,path.sh,README.md}; files that you have to write:
  1. mscnn/corpora/$name.py         parse(root: Path) -> Corpus, as in mscnn/corpora/ravdess.py
     mscnn/corpora/__init__.py      one line in CORPORA
  2. conf/labels/$name.yaml         classes, and the map from labels of the corpus to classes
  3. $recipe/local/expected_counts.tsv   if published: utterances by speaker, type and label
  4. $recipe/run.sh                  protocol, text=gt if there are transcripts
  5. $recipe/corpus.yaml             facts for the model card of reports, as in egs/ravdess/corpus.yaml
then: $recipe/run.sh --corpus /path/to/$name --stop-stage data
EOF
