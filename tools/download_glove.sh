#!/usr/bin/env bash
# Download pretrained word vectors, for `--embeddings glove.840B.300d`, the vectors of the MSCNN-SPU paper.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# begin configuration section
name=glove.840B.300d # name of the vectors, in conf/embeddings
words=0              # keep the first N words of the file, the most frequent; 0: all
url=                 # address of the zip archive; empty: that in conf/embeddings
archive=             # a local zip archive; nothing is downloaded
size=                # expected bytes of the archive; empty: those in conf/embeddings
sha256=              # expected digest of the archive; empty: that in conf/embeddings
keep=false           # keep the archive after the installation
out=                 # folder that gets a folder NAME; empty: tools/embeddings, where --embeddings NAME finds it
# end configuration section
# shellcheck disable=SC2034
help_message="usage: tools/download_glove.sh [--option value]...

Needs curl. An interrupted download continues with the same command. Size and SHA-256 of the archive are checked before it is
unpacked. glove.840B.300d: a download of 2.2 GB, 5.6 GB unpacked; with --words 400000, 1.0 GB."
. "$root/utils/parse_options.sh"
(($# == 0)) || option_error "'$1' is not an option; --help lists them"

. "$root/path.sh"
facts=$root/conf/embeddings/$name.yaml
[[ -n $url || ! -f $facts ]] || url=$(sed -n 's/^url: *\([^ ]*\).*/\1/p' "$facts")
[[ -n $url$archive ]] ||
  option_error "--name $name: conf/embeddings has $(cd "$root/conf/embeddings" && echo *.yaml); or give --url"
out=${out:-$root/tools/embeddings}
options=(--name "$name" --words "$words" --out "$out" ${size:+--size "$size"} ${sha256:+--sha256 "$sha256"})

if [[ -n $archive ]]; then
  exec python3 -m mscnn.bin.install_embeddings --archive "$archive" --source "$archive" "${options[@]}"
fi
failed() {
  echo "download_glove.sh: $url: $1; the same command continues; or get it by hand, then --archive FILE" >&2
  exit 1
}
command -v curl >/dev/null || failed "curl not found"
mkdir -p "$out"
archive=$out/.${url##*/}
fetch() { curl --fail --location --retry 3 --output "$archive.part" "$@" -- "$url"; }
if [[ ! -f $archive ]]; then
  status=0
  fetch --continue-at - || status=$?
  if ((status == 33 || status == 36)); then # the server cannot continue a download
    rm -f "$archive.part"
    status=0
    fetch || status=$?
  fi
  ((status == 0)) || failed "cannot be downloaded"
  mv "$archive.part" "$archive"
fi
remove=true
! $keep || remove=false
exec python3 -m mscnn.bin.install_embeddings --archive "$archive" --source "$url" --remove "$remove" "${options[@]}"
