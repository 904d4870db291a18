"""Claims: supported, refuted, depends or unresolved."""
