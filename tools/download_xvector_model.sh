#!/usr/bin/env bash
# Fetch the x-vector network that Kaldi's authors trained on VoxCeleb, and make it known as `--xvector-model voxceleb`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# begin configuration section
url=https://kaldi-asr.org/models/7/0007_voxceleb_v2_1a.tar.gz # or one of the same layout
archive=      # a file that is here already: nothing is fetched
sha256=       # digest that the archive must have; empty: it is only shown
out=          # folder that the model becomes; empty: conf/xvector/voxceleb, which is --xvector-model voxceleb
# end configuration section
# shellcheck disable=SC2034
help_message="usage: tools/download_xvector_model.sh [--option value]...

Needs curl. Checks that the archive holds a network that can be used before anything is put in place. Its authors publish no
digest: the one you got is shown, and kept in SOURCE beside the model; --sha256 compares."
. "$root/utils/parse_options.sh"
(($# == 0)) || option_error "'$1' is no option; --help lists them"

. "$root/path.sh"
source=$archive
if [[ -z $archive ]]; then
  source=$url
  work=$(mktemp -d "${TMPDIR:-/tmp}/xvector.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  archive=$work/${url##*/}
  command -v curl >/dev/null || {
    echo "download_xvector_model.sh: no curl here; fetch $url yourself, then --archive FILE" >&2
    exit 1
  }
  curl --fail --location --retry 3 --max-filesize 1000000000 --output "$archive" -- "$url" || {
    echo "download_xvector_model.sh: $url cannot be fetched; by hand: https://kaldi-asr.org/models/m7, then --archive FILE" >&2
    exit 1
  }
fi
python3 -m mscnn.bin.install_xvector_model --archive "$archive" --sha256 "$sha256" --source "$source" \
  --out "${out:-$root/conf/xvector/voxceleb}"
