"""Advice: which way to run a piece of work, and how sure that is."""
