"""What I/O workloads talk to: small servers that a lab or a command starts beside its measurements."""
