#!/usr/bin/env bash
# Create a recipe for a new corpus: conf/corpora/NAME.yaml and conf/labels/NAME.yaml, proposed from the names of the
# recordings in DIR (without --from: from an invented example), and egs/NAME. It asks nothing, and edits no other file.
# usage: utils/new_recipe.sh NAME [--from DIR]
set -euo pipefail
usage() {
  echo "usage: utils/new_recipe.sh NAME [--from DIR]     NAME: lower-case letters, digits and _, as in crema_d" >&2
  exit 2
}
name=${1-} from=
[[ $name =~ ^[a-z][a-z0-9_]*$ ]] || usage
case $# in
  1) ;;
  3)
    [[ $2 == --from ]] || usage
    from=$(realpath -- "$3")
    ;;
  *) usage ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
recipe=egs/$name
[[ ! -e $recipe ]] || { echo "new_recipe.sh: $recipe exists already; nothing was changed" >&2; exit 1; }
. ./path.sh
seen=$(python3 -m mscnn.bin.describe_corpus --name "$name" --out conf ${from:+--from "$from"})
echo "$seen"
protocol=${seen##*protocol: }

mkdir -p "$recipe"
cp egs/mini_iemocap/{cmd.sh,path.sh} "$recipe/"
cat >"$recipe/README.md" <<EOT
# $name

## Corpus

Speakers, language and material; number of utterances; annotation (authors, year).
What is known of its files is in [conf/corpora/$name.yaml](../../conf/corpora/$name.yaml).

## Licence

## Get it

## Run

    ./run.sh --corpus /path/to/$name

## Results

Not measured yet.

## What to read into them
EOT
cat >"$recipe/run.sh" <<EOT
#!/usr/bin/env bash
# $name (authors, year): ./run.sh --corpus /path/to/$name. ./run.sh --help
set -euo pipefail
cd "\$(dirname "\${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

parser=$name        # conf/corpora/$name.yaml
labels=$name        # conf/labels/$name.yaml
protocol=$protocol   # conf/protocols; stage 1 names those that fit
model="majority logmel_lr audio_cnn"
text=none           # gt where the description has transcripts

run_recipe "\$@"
EOT
chmod +x "$recipe/run.sh"

cat <<EOT
wrote $recipe/{run.sh,cmd.sh,path.sh,README.md}
next:
  $recipe/run.sh --corpus ${from:-/path/to/$name} --stop-stage data    # lists every name that is not understood
  $recipe/run.sh --corpus ${from:-/path/to/$name} --folds 1            # a first number, marked partial
  $recipe/run.sh --corpus ${from:-/path/to/$name}                      # all folds
EOT
