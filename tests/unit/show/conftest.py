"""Runs as outputs see them, for this folder."""

from tests.support.views import article, troubled

__all__ = ["article", "troubled"]
