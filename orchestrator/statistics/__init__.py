"""Inference without a word of the domain: medians at any time, intervals, fits."""
