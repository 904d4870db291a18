"""Nodes in containers that a command makes and removes."""
