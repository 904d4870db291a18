"""What Prometheus scrapes: the figures of runs, nodes and queues."""
