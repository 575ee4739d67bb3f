#!/usr/bin/env bash
# Check data directories against the contract; faults are named with file and line.
# Exit status 0: all are sound, 1: not all, 2: wrong usage.
# usage: utils/validate_data_dir.sh DIR...
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../path.sh"
exec python3 -m mscnn.bin.validate_data_dir "$@"
