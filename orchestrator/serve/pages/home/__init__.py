"""The first page: an overview of runs and nodes."""
