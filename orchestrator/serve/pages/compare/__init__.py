"""The page that compares runs, hosts, nodes, builds or workloads."""
