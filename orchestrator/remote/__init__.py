"""Commands against a lab: what ``--lab URL`` does."""
