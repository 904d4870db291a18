"""Runs as outputs see them, for this folder."""

from tests.views import article, troubled

__all__ = ["article", "troubled"]
