"""The work: one file per workload, found by scan."""
