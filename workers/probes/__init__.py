"""Probes, which measure a trial besides its time: one file each, found by scan."""
