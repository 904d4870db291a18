"""Strategies, the ways to run tasks: one file each, found by scan."""
