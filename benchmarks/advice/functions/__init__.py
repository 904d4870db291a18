"""Functions of different kinds, as users have them: what ``benchmarks/advice/advise.py`` asks advice for."""
