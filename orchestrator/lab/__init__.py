"""Where runs are measured: Redis and RQ, the embedded server, host locks, access, fleets of containers."""
