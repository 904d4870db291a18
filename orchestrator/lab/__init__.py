"""Labs that runs are measured in: Redis and RQ, the embedded server, access, fleets of containers."""
