"""Functions of different kinds, as users have them: what ``benchmarks/advise.py`` asks advice for."""
