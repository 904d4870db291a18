"""Self-tests: how far verdicts can be trusted on a machine."""
