"""Compares runs, hosts, nodes, builds or workloads: what differs around them first, then ratios."""
