"""Experiments: what to compare, to what precision, and the claims to settle, read from TOML."""
