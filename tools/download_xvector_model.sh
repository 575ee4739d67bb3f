#!/usr/bin/env bash
# Download the x-vector network that Kaldi's authors trained on VoxCeleb, for `--xvector-model voxceleb`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# begin configuration section
url=https://kaldi-asr.org/models/7/0007_voxceleb_v2_1a.tar.gz # or one of the same layout
archive=      # a local file; nothing is downloaded
sha256=       # expected digest of the archive; empty: the digest is only shown
out=          # folder of the model; empty: conf/xvector/voxceleb, for --xvector-model voxceleb
# end configuration section
# shellcheck disable=SC2034
help_message="usage: tools/download_xvector_model.sh [--option value]...

Needs curl. The network in the archive is checked before it is installed. Its authors publish no digest: that of the archive
is shown, and written to SOURCE beside the model; --sha256 compares it."
. "$root/utils/parse_options.sh"
(($# == 0)) || option_error "'$1' is not an option; --help lists them"

. "$root/path.sh"
source=$archive
if [[ -z $archive ]]; then
  source=$url
  work=$(mktemp -d "${TMPDIR:-/tmp}/xvector.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  archive=$work/${url##*/}
  command -v curl >/dev/null || {
    echo "download_xvector_model.sh: curl not found; download $url yourself, then --archive FILE" >&2
    exit 1
  }
  curl --fail --location --retry 3 --max-filesize 1000000000 --output "$archive" -- "$url" || {
    echo "download_xvector_model.sh: $url cannot be downloaded; get it by hand: https://kaldi-asr.org/models/m7, then --archive FILE" >&2
    exit 1
  }
fi
python3 -m mscnn.bin.install_xvector_model --archive "$archive" --sha256 "$sha256" --source "$source" \
  --out "${out:-$root/conf/xvector/voxceleb}"
