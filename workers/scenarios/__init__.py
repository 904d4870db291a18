"""Scenarios, which are not tasks per second: what things cost, hold and survive. One file each."""
