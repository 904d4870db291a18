"""An HTTP/1.1 server that answers as it is asked to: after a delay, with so many bytes, or with a failure.

``python -m parlab.workers.targets.http_target --bind 127.0.0.1 --port 0``

``/?delay=SECONDS&bytes=N&failure=RATIO&n=K`` waits, then answers N bytes; a share of the tasks K, always
the same ones, gets status 503 instead. ``/healthz`` says that it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from ..errors import BadInput, EnvironmentFault, LabError
from ..host.processes import Prctl
from .failures import fails

MAX_DELAY_SECONDS = 60.0
MAX_BYTES = 16 << 20
#: Of a request line with its headers.
_MAX_HEAD_BYTES = 16 << 10
#: What a connection may send ahead of its answers, before it is no longer listened to.
_MAX_AHEAD_BYTES = 64 << 10
_BACKLOG = 4096
#: How long what follows a last answer is read, and thrown away.
_LINGER_SECONDS = 1.0
_END_OF_HEAD = b"\r\n\r\n"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
#: Made once: an answer is a piece of it, and costs no copy of its own.
_PATTERN = memoryview(bytes(range(256)) * (MAX_BYTES // 256))


class RequestRefused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, why: str, *, close: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        #: Whether nothing more can be read of this connection.
        self.close = close


@dataclass(frozen=True, slots=True)
class Request:
    """A request, as far as it matters here."""

    method: str
    target: str
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered, and when."""

    status: int = 200
    body: bytes | memoryview = b""
    delay_seconds: float = 0.0


def read_request(head: bytes) -> Request:
    """Read a request's head, without the empty line at its end.

    Raises:
        RequestRefused: it is not one, or one of a kind that this server does not answer.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise RequestRefused(400, "this is not a request of HTTP/1.1", close=True)
    method, target, version = words
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        raise RequestRefused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here", close=True)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise RequestRefused(400, "a header is malformed", close=True)
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        # Where the next request begins would have to be guessed.
        raise RequestRefused(400, "requests must not have a body here", close=True)
    wanted = headers.get("connection", "").lower()
    keep_alive = wanted != "close" if version == "HTTP/1.1" else wanted == "keep-alive"
    return Request(method, target, keep_alive)


def answer_to(request: Request) -> Response:
    """Work out what a request is answered.

    Raises:
        RequestRefused: its method, path or parameters.
    """
    if request.method not in ("GET", "HEAD"):
        raise RequestRefused(405, "only GET and HEAD are answered here")
    try:
        place = urlsplit(request.target)
        given = dict(parse_qsl(place.query, strict_parsing=bool(place.query)))
    except ValueError:
        raise RequestRefused(400, "the address cannot be read") from None
    if place.path == "/healthz":
        return Response(body=b"ok\n")
    if place.path != "/":
        raise RequestRefused(404, "only / and /healthz exist here")
    unknown = given.keys() - {"delay", "bytes", "failure", "n"}
    if unknown:
        raise RequestRefused(400, f"there is no parameter {min(unknown)}: delay, bytes, failure, n")
    delay = _number(given, "delay", MAX_DELAY_SECONDS)
    length = _integer(given, "bytes", MAX_BYTES)
    if fails(_integer(given, "n", 1 << 62), _number(given, "failure", 1.0)):
        return Response(503, b"failed, as asked\n", delay)
    return Response(200, _PATTERN[:length], delay)


def _number(given: dict[str, str], name: str, most: float) -> float:
    text = given.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise RequestRefused(400, f"{name} is a number from 0 to {most:g}")
    return number


def _integer(given: dict[str, str], name: str, most: int) -> int:
    text = given.get(name, "0")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not 0 <= number <= most:
        raise RequestRefused(400, f"{name} is an integer from 0 to {most}")
    return number


class Connection(asyncio.Protocol):
    """One connection. Its requests are answered one after another, however many it sends ahead.

    One that is idle is kept: between a trial's rounds, those of others take their time, and a client
    that finds its connection closed would be measured while it makes another.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, all_of_them: set[Connection]) -> None:
        self._loop = loop
        self._all = all_of_them
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        #: Whether the other side reads slower than it is answered.
        self._full = False
        self._deaf = False
        #: Whether the last answer was given, so that nothing of what comes is a request any more.
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was to be answered."""
        del exc
        self._all.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        if self._over:
            return
        self._buffer += data
        self._go_on()
        if len(self._buffer) > _MAX_AHEAD_BYTES and not self._transport.is_closing():
            self._deaf = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Answer nothing more for now."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on with what was sent meanwhile."""
        self._full = False
        self._go_on()

    def end(self) -> None:
        """Close it, whatever is on its way."""
        self._transport.abort()

    def _go_on(self) -> None:
        while not self._over and self._timer is None and not self._full:
            if self._transport.is_closing():
                return
            end = self._buffer.find(_END_OF_HEAD, 0, _MAX_HEAD_BYTES)
            if end < 0:
                if len(self._buffer) >= _MAX_HEAD_BYTES:
                    why = RequestRefused(431, f"a request has at most {_MAX_HEAD_BYTES} bytes", close=True)
                    self._refuse(why, with_body=True, keep_alive=False)
                break
            head = bytes(self._buffer[:end])
            del self._buffer[: end + len(_END_OF_HEAD)]
            self._take(head)
        if self._deaf and len(self._buffer) <= _MAX_AHEAD_BYTES and not self._transport.is_closing():
            self._deaf = False
            self._transport.resume_reading()

    def _take(self, head: bytes) -> None:
        request = Request("GET", "", keep_alive=False)
        try:
            request = read_request(head)
            answer = answer_to(request)
        except RequestRefused as refused:
            self._refuse(refused, with_body=request.method != "HEAD", keep_alive=request.keep_alive)
            return
        if answer.delay_seconds > 0:
            self._timer = self._loop.call_later(answer.delay_seconds, self._after_delay, request, answer)
        else:
            self._send(answer, with_body=request.method != "HEAD", keep_alive=request.keep_alive)

    def _after_delay(self, request: Request, answer: Response) -> None:
        self._timer = None
        self._send(answer, with_body=request.method != "HEAD", keep_alive=request.keep_alive)
        self._go_on()

    def _refuse(self, refused: RequestRefused, *, with_body: bool, keep_alive: bool) -> None:
        answer = Response(refused.status, f"{refused.why}\n".encode())
        self._send(answer, with_body=with_body, keep_alive=keep_alive and not refused.close)

    def _send(self, answer: Response, *, with_body: bool, keep_alive: bool) -> None:
        head = (
            f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\n"
            f"Content-Length: {len(answer.body)}\r\n"
            f"Content-Type: {'application/octet-stream' if answer.status == 200 else 'text/plain'}\r\n"
            f"{'' if keep_alive else 'Connection: close' + chr(13) + chr(10)}\r\n"
        ).encode()
        # Together where that is cheap: a second packet for a small body would be waited for.
        if with_body and len(answer.body) <= _MAX_AHEAD_BYTES:
            self._transport.write(head + answer.body)
        else:
            self._transport.write(head)
            if with_body:
                self._transport.write(answer.body)
        if not keep_alive:
            # Closed with something unread, the other side would lose the answer to a reset.
            self._over = True
            self._buffer.clear()
            self._transport.write_eof()
            self._timer = self._loop.call_later(_LINGER_SECONDS, self._transport.close)


async def serve(bind: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT; the address is printed when it is listened to.

    Raises:
        EnvironmentFault: the address cannot be used.
    """
    loop, connections, ended = asyncio.get_running_loop(), set[Connection](), asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, ended.set)
    try:
        server = await loop.create_server(lambda: Connection(loop, connections), bind, port, backlog=_BACKLOG)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot listen on {bind} port {port}: {error.strerror}", "Name another: --bind, --port."
        ) from error
    listening = server.sockets[0]
    host, at = listening.getsockname()[:2]
    shown = f"[{host}]" if listening.family == socket.AF_INET6 else host
    sys.stdout.write(f"http target on http://{shown}:{at}\n")
    sys.stdout.flush()
    await ended.wait()
    server.close()
    for connection in list(connections):
        connection.end()
    await server.wait_closed()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the target to its end; the exit code is returned, errors are told."""
    given = _parser().parse_args(arguments)
    try:
        if given.parent is not None:
            # Before anything else: a parent that dies meanwhile must not leave us behind.
            Prctl().die_with_parent(signal.SIGTERM, given.parent)
        _pin(given.cpu)
        _allow_many_connections()
        asyncio.run(serve(given.bind, given.port))
    except LabError as error:
        sys.stderr.write(f"http target: {error}\n")
        return error.exit_code
    return 0


def _pin(cpu: int | None) -> None:
    if cpu is None:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise BadInput("--cpu: this system pins no process to a CPU", "Leave it out.")
    try:
        os.sched_setaffinity(0, {cpu})
    except (OSError, OverflowError, ValueError):
        allowed = ", ".join(map(str, sorted(os.sched_getaffinity(0))))
        raise BadInput(f"--cpu {cpu}: that CPU cannot be used here", f"There are: {allowed}.") from None


def _allow_many_connections() -> None:
    """Allow as many open files as may be: each task in flight has a connection."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


# argparse names the type in its message.
_port.__name__ = "port (0 to 65535)"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m parlab.workers.targets.http_target",
        description="Answer HTTP requests as specified.",
    )
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="address to listen on")
    parser.add_argument("--port", default=8080, type=_port, help="port to listen on; 0: a free one")
    parser.add_argument("--cpu", type=int, help="CPU to run on")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
