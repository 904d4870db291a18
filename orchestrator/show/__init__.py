"""Results as people and programs get them: text, file formats, charts and the report."""
