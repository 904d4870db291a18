"""A node: an RQ worker process that offers Python builds to a lab."""
