"""How tasks are run: one file per strategy, found by scan."""
