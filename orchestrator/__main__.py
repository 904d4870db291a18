"""``python -m orchestrator`` is ``parlab``."""

from .cli import main

main()
