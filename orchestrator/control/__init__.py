"""The loop that makes a run: what the plan says, less what is stored, put on the queues."""
