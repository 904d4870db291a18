"""Access to the lab's server: secrets, users, join tokens."""
