"""The report: what a run found, in words first, then pictures, tables and where it was measured."""
