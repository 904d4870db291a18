"""parlab's measuring side: the standard library only, except ``node.py`` (rq, redis)."""

__version__ = "0.1.0"
