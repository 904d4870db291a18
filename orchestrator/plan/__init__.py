"""Plans: an experiment laid out over hosts as blocks of trials, seeded and interleaved."""
