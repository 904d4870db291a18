"""The server's file of users (``aclfile``), as it is before the server reads it."""

from __future__ import annotations

from pathlib import Path

from parlab.orchestrator.lab.access import acl, secret_file


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
        self._put(user, acl.line(user, password, rules))

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
