"""Audio files: reading, checking and trimming; the only package that opens them."""
