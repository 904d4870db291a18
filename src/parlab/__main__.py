"""``python -m parlab`` is ``parlab``."""

from parlab.orchestrator.cli import main

main()
