"""Templates of generated pages, and what fills them; tools/make_docs.py writes the pages."""
