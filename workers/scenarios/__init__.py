"""What is not tasks per second: what things cost, hold and survive. One file each, found by scan."""
