"""parlab's measuring side: the standard library only, except ``node/`` and ``wire/`` (rq, redis)."""

__version__ = "0.2.0"
