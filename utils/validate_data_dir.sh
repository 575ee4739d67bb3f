#!/usr/bin/env bash
# Validate data directories; issues are listed with file and line.
# Exit status 0: all are valid, 1: there are issues, 2: wrong usage.
# usage: utils/validate_data_dir.sh DIR...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../path.sh"
exec python3 -m mscnn.bin.validate_data_dir "$@"
