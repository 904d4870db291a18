"""Tables and sentences as text, shared by the terminal, Markdown and the report."""
