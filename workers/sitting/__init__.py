"""A sitting from its guardian's side: trials whose rounds alternate."""
