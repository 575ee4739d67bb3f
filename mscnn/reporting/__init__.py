"""Reports and tables as Markdown, HTML, LaTeX and CSV, and figures."""
