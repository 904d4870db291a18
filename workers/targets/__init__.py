"""Targets of I/O workloads: small servers that a lab or a command starts beside its measurements."""
