"""Every reader of files that users write, bring along or keep: a folder with valid files, and what reads them.

A reader is a function of an empty folder. It writes valid files there, and returns those that are to be damaged and a
function that reads them again; the function is given the damaged file.
"""

from tests.e2e.faults.readers import corpora, data, sound, trained, vectors, written
from tests.e2e.faults.readers.base import Reader

READERS: dict[str, Reader] = {
    **written.READERS, **corpora.READERS, **data.READERS, **vectors.READERS, **sound.READERS, **trained.READERS,
}  # fmt: skip
