"""Metrics for Prometheus: the figures of runs, nodes and queues."""
