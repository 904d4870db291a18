"""How results are shown: text, file formats, charts and the report."""
