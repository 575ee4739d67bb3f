#!/usr/bin/env bash
# Recordings of your own: ./run.sh --table my.csv, a table (path, label, speaker) or a folder. docs/howto/own_data.md
# shellcheck disable=SC2034,SC2086 # utils/stages.sh uses them; protocols are a list
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./cmd.sh
. ../../utils/stages.sh

# begin configuration section
table=                  # table (CSV, TSV, JSON, parquet, ...) or folder of recordings, relative to the recipe's folder or to yours
audio_root=             # folder that the paths of the table are relative to; empty: that of the table
columns=                # names of its columns, as in path=file,label=emotion; empty: as understood
name_pattern=           # regular expression with named groups in paths, as in '(?P<speaker>\d+)_(?P<label>[A-Z]+)'
speaker_from=           # regular expression that finds the speaker in paths
# end configuration section

parser=own              # what read_table writes to local/NAME
model="audio_cnn logmel_lr majority"
text=none               # gt where the table has transcripts
option_files=(run.sh)
reader=read_table

# Read the table: sets corpus, labels (a map of all labels, unless --labels is given) and protocol (one that fits).
read_table() {
  local out
  [[ -n $table ]] || option_error "the table is missing: give --table FILE, or a folder of recordings"
  . ./path.sh
  out=${table%/} out=${out##*/} out=${out%%.*} out=local/${out//[^A-Za-z0-9_]/_}
  usual=own
  python3 -m mscnn.bin.read_table "$table" --audio-root "$audio_root" "--columns=$columns" \
    "--name-pattern=$name_pattern" "--speaker-from=$speaker_from" --labels "$labels" --protocol $protocol \
    --on-bad "$on_bad" --caller "$OLDPWD" --out "$out"
  option_read_config "$out/options.conf"
}

run_recipe "$@"
