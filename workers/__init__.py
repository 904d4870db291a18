"""parlab's measuring side: the standard library only, except ``node.py`` (rq, redis)."""
