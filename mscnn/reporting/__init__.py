"""Everything that makes Markdown, HTML, LaTeX, CSV and figures."""
