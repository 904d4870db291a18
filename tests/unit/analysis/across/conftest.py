"""Runs as outputs see them, for this folder."""

from tests.support.views import article

__all__ = ["article"]
