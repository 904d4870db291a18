"""Runs as outputs see them, for this folder."""

from tests.views import article

__all__ = ["article"]
