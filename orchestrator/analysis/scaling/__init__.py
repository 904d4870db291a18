"""Scaling: curves over the number of workers, laws, knees, causes."""
