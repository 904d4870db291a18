"""The record of truth: one SQLite file of runs, sittings and trials, and a folder for each run."""
