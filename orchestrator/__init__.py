"""parlab's deciding side: what to run, what it means, how it is shown."""
