"""Formats that a run is shown in: one file each, found by scan."""
