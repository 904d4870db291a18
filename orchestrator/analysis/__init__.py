"""What the stored trials mean: effects, intervals, verdicts. Pure functions, no input or output."""
