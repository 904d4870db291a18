"""parlab's deciding side: what to run, what it means, how it is shown.

From the ground up (docs/architecture.md); imports run downwards only:
``statistics``, ``figures``, ``settings``: no word of the domain.
``experiment``: a TOML file as data. ``plan``: the same laid out over hosts as blocks of trials.
``store``: the record of truth. ``lab``: Redis, RQ and the nodes. ``analysis``: effects, verdicts, advice.
``show``: text, formats, charts, the report.
``control``: the loop that makes a run. ``doctor``: whether this machine is fit to measure.
``serve``: the API, metrics and pages of a lab. ``cli``: the command line.
A good first reading: ``experiment.model``, ``plan.model``, ``control.controller``, ``analysis.summary``.
"""
