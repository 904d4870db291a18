"""The page of a run: live while it measures, its report afterwards."""
