"""parlab: what makes Python work fastest, on which machine, and how sure that is.

The one name that an installation has. ``parlab.orchestrator`` decides and shows, ``parlab.workers``
measures; in the repository both lie at the top, and this folder holds links to them.
"""

from parlab.workers import __version__

__all__ = ["__version__"]
