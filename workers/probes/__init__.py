"""What is measured of a trial besides its time: one file per probe, found by scan."""
