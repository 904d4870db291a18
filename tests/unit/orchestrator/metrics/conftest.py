"""Runs as outputs see them; metrics show the same, for this folder."""

from tests.views import article, troubled

__all__ = ["article", "troubled"]
