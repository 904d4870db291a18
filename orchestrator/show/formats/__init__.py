"""How a run is shown: one file per format, found by scan."""
