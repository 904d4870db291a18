"""parlab for other distributions' workloads, strategies and probes in a trial's interpreter.

They import what they are made of from ``parlab.workers``, which need not be installed for the Python
that is measured. On the path of a trial only where it runs such a thing, and before an installed parlab.
"""
