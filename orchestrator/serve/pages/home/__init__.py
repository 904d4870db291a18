"""The first page: runs and nodes at a glance."""
