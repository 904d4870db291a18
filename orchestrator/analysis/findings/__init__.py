"""Findings as data: every output shows these and computes nothing itself."""
