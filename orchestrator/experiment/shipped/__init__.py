"""Experiments that ship, as TOML files."""
