"""Who may do what at the server: secrets, users, join tokens."""
