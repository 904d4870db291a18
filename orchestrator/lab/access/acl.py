"""Rights of each user of the lab's server, by command, key and channel; and the server's file of users."""

from __future__ import annotations

import hashlib
from pathlib import Path

from parlab.orchestrator.lab.access import secret_file

#: What a node's RQ worker, its guardian and its heartbeat need, and nothing else.
_NODE_COMMANDS = (
    *("hello", "auth", "ping", "client|setname", "client|setinfo", "client|info", "info"),
    *("multi", "exec", "discard", "watch", "unwatch", "exists", "del", "expire", "persist", "set", "get"),
    *("hset", "hget", "hgetall", "hexists", "hincrby", "hincrbyfloat", "sadd", "srem", "smembers"),
    *("zadd", "zrem", "zrange", "zrangebyscore", "zremrangebyscore", "zscore"),
    *("lmove", "blmove", "lrange", "lrem", "rpush", "lpush", "xadd", "subscribe", "unsubscribe"),
)
_REGISTRIES = (
    *("wip", "finished", "failed", "ready", "deferred"),
    *("scheduled", "canceled", "workers", "clean_registries"),
)
_JOB_KEYS = ("job", "job:", "results", "execution", "executions")

#: The user of health checks: it can see that the server answers, and has no password to keep.
PROBE = "probe"
ORCHESTRATOR = "orchestrator"


def node_rules(name: str, *, group: bool) -> list[str]:
    """Return the rules of a node's user, or of a group's: its own queue, jobs, rows, results, and no other's.

    With ``group`` they hold for all nodes "<name>--…".
    """
    node = f"{name}--*" if group else name
    jobs = f"{name}--*" if group else f"{name}-*"
    keys = [
        f"rq:queue:{node}",
        f"rq:queue:{node}:intermediate*",
        *(f"rq:{registry}:{node}" for registry in _REGISTRIES),
        f"rq:worker:{node}",
        f"rq:worker:{node}:executions",
        "rq:workers",
        "rq:queues",
        "rq:clean_groups",
        *(f"rq:{kind}:{jobs}" for kind in _JOB_KEYS),
        f"parlab:node:{node}",
        f"parlab:results:{node}",
    ]
    readable = ["rq:suspended", "rq:rl-keys", "rq:groups", "parlab:slot:*"]
    return [
        "resetkeys",
        "resetchannels",
        "clearselectors",
        "-@all",
        *(f"+{command}" for command in _NODE_COMMANDS),
        *(f"~{key}" for key in keys),
        *(f"%R~{key}" for key in readable),
        f"&rq:pubsub:{node}",
        # Its name goes onto the list of nodes; taking others off it is not its business.
        "(+sadd ~parlab:nodes)",
    ]


def orchestrator_rules() -> list[str]:
    """Return the rules of the orchestrator: all data and users; it cannot reconfigure or end the server."""
    return ["~*", "&*", "+@all", "-@dangerous", "+info", "+acl", "-acl|log"]


def user_line(user: str, password: str | None, rules: list[str]) -> str:
    """Write a user as a line of the server's file of users; the password only as its digest."""
    proof = "nopass" if password is None else f"#{digest(password)}"
    kept = [rule for rule in rules if rule not in ("resetkeys", "resetchannels", "clearselectors")]
    return " ".join(["user", user, "on", proof, "resetchannels", *kept])


def digest(password: str) -> str:
    """Return the digest (SHA-256) by which the server knows a password."""
    return hashlib.sha256(password.encode()).hexdigest()


class UserFile:
    """Users by name. The server itself writes the same file when users are added while it runs."""

    def __init__(self, path: Path) -> None:
        """Read the file; absent is empty."""
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._lines = {line.split()[1]: line for line in lines if line.startswith("user ")}
        self._changed = False

    def __contains__(self, user: str) -> bool:
        """Whether there is such a user."""
        return user in self._lines

    def put(self, user: str, password: str | None, rules: list[str]) -> None:
        """Add a user, or give it other rules and another password; None: it needs none."""
        self._put(user, user_line(user, password, rules))

    def disable(self, user: str) -> None:
        """Let nobody be this user."""
        self._put(user, f"user {user} off resetpass resetkeys resetchannels -@all")

    def _put(self, user: str, line: str) -> None:
        if self._lines.get(user) != line:
            self._lines[user] = line
            self._changed = True

    def save(self) -> bool:
        """Write it where anything changed; True where it was written."""
        if self._changed:
            secret_file.write(self._path, "".join(f"{line}\n" for line in self._lines.values()).encode())
            self._changed = False
            return True
        return False
