"""The pages of nodes."""
