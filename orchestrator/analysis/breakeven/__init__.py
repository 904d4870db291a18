"""Break-even: from which work on, and up to which payload, a strategy pays."""
