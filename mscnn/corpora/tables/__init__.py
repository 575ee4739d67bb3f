"""Recordings of a user: a table or a folder, in any of the formats that people have, as a corpus.

One module reads one format and returns :class:`~mscnn.corpora.tables.rows.Rows`; ``read`` finds the format by its
content; ``items`` makes utterances of the rows; ``labels`` and ``protocol`` choose classes and protocol; ``source``
does all of this. docs/howto/own_data.md lists formats and columns.
"""
