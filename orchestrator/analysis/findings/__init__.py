"""What a run has found, as data: every output shows these and computes nothing itself."""
