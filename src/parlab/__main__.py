"""``python -m parlab`` is ``parlab``."""

from parlab.orchestrator.cli.main import main

main()
