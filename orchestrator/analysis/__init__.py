"""Analysis of stored trials: effects, intervals, verdicts. Pure functions, no input or output."""
