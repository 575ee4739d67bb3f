"""``python3 -m mscnn COMMAND …``: the same as ``mscnn COMMAND …``."""

from mscnn.cli import main

main()
