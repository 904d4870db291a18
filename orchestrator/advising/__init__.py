"""Which ways to run a user's own function are raced against each other, and how that is asked for."""
