from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from parlab.workers.targets.failures import fails
from tests.support.laboratory import wait_until
from tests.support.targets import RunningTarget, http_target


@pytest.fixture(scope="module")
def target() -> Iterator[RunningTarget]:
    with http_target() as running:
        yield running


@pytest.fixture
def client(target: RunningTarget) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
    yield connection
    connection.close()


def get(client: http.client.HTTPConnection, path: str, method: str = "GET") -> tuple[int, bytes]:
    client.request(method, path)
    response = client.getresponse()
    return response.status, response.read()


def raw(target: RunningTarget, sent: bytes, *, until_closed: bool = True) -> bytes:
    with socket.create_connection(("127.0.0.1", target.port), timeout=20) as connection:
        connection.sendall(sent)
        if until_closed:
            connection.shutdown(socket.SHUT_WR)
        heard = b""
        while more := connection.recv(1 << 16):
            heard += more
        return heard


def test_an_answer_has_the_bytes_that_were_asked_for(client: http.client.HTTPConnection) -> None:
    for length in (0, 1, 300, 100_000, 16 << 20):
        status, body = get(client, f"/?bytes={length}")
        assert (status, len(body)) == (200, length)
        assert body[:300] == (bytes(range(256)) * 2)[: min(length, 300)]


def test_an_answer_takes_as_long_as_was_asked_for(client: http.client.HTTPConnection) -> None:
    get(client, "/healthz")
    began = time.monotonic()
    assert get(client, "/?delay=0.2")[0] == 200
    assert 0.2 <= time.monotonic() - began < 1


def test_delays_of_several_connections_pass_at_the_same_time(target: RunningTarget) -> None:
    began = time.monotonic()
    clients = [http.client.HTTPConnection("127.0.0.1", target.port, timeout=20) for _ in range(50)]
    for client in clients:
        client.request("GET", "/?delay=0.3")
    assert [client.getresponse().status for client in clients] == [200] * 50
    assert time.monotonic() - began < 3
    for client in clients:
        client.close()


def test_a_connection_is_kept_unless_it_is_to_be_closed(client: http.client.HTTPConnection) -> None:
    get(client, "/healthz")
    kept = client.sock
    assert kept is not None
    for _ in range(20):
        assert get(client, "/?bytes=10")[0] == 200
    assert client.sock is kept
    client.request("GET", "/?bytes=10", headers={"Connection": "close"})
    response = client.getresponse()
    assert response.getheader("Connection") == "close"
    response.read()
    assert client.sock is None


def test_a_head_has_no_body_and_says_how_long_it_would_be(client: http.client.HTTPConnection) -> None:
    client.request("HEAD", "/?bytes=12345")
    response = client.getresponse()
    assert (response.status, response.getheader("Content-Length"), response.read()) == (200, "12345", b"")
    assert get(client, "/healthz") == (200, b"ok\n")


def test_the_share_of_failures_is_as_asked_and_always_the_same_tasks(
    client: http.client.HTTPConnection,
) -> None:
    seen = [get(client, f"/?failure=0.25&n={n}")[0] for n in range(200)]
    assert set(seen) == {200, 503}
    assert 45 <= seen.count(503) <= 55
    assert seen == [503 if fails(n, 0.25) else 200 for n in range(200)]
    assert all(get(client, f"/?failure=1&n={n}")[0] == 503 for n in range(20))
    assert all(get(client, f"/?failure=0&n={n}")[0] == 200 for n in range(20))


def test_requests_that_are_sent_ahead_are_answered_in_their_order(target: RunningTarget) -> None:
    # The first takes the longest.
    ahead = b"".join(
        b"GET /?delay=%s&bytes=%d HTTP/1.1\r\nHost: t\r\n\r\n" % (delay, length)
        for delay, length in ((b"0.2", 3), (b"0.05", 5), (b"0", 7))
    )
    heard = raw(target, ahead + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", until_closed=False)
    lengths = [int(part.partition(b"\r\n")[0]) for part in heard.split(b"Content-Length: ")[1:]]
    assert lengths == [3, 5, 7, 3]
    assert heard.endswith(b"ok\n")


def test_many_large_answers_ahead_of_a_slow_reader_all_come(target: RunningTarget) -> None:
    with socket.create_connection(("127.0.0.1", target.port), timeout=20) as connection:
        connection.sendall(b"GET /?bytes=1000000 HTTP/1.1\r\n\r\n" * 20 + b"GET /healthz HTTP/1.0\r\n\r\n")
        time.sleep(0.2)
        heard, last = 0, b""
        while more := connection.recv(1 << 20):
            heard += len(more)
            last = more
    assert heard > 20 * 1_000_000
    assert last.endswith(b"ok\n")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/?delay=61", 400, b"delay is a number from 0 to 60"),
        ("/?delay=-1", 400, b"delay"),
        ("/?delay=nan", 400, b"delay"),
        ("/?bytes=16777217", 400, b"bytes is an integer from 0 to 16777216"),
        ("/?bytes=1.5", 400, b"bytes"),
        ("/?failure=2", 400, b"failure"),
        ("/?n=-1", 400, b"n is an integer"),
        ("/?speed=1", 400, b"no parameter speed"),
        ("/?delay", 400, b"cannot be read"),
        ("/elsewhere", 404, b"/healthz"),
    ],
)
def test_what_cannot_be_done_is_refused_and_the_connection_goes_on(
    client: http.client.HTTPConnection, path: str, status: int, words: bytes
) -> None:
    found, body = get(client, path)
    assert found == status
    assert words in body
    kept = client.sock
    assert get(client, "/healthz")[0] == 200
    assert client.sock is kept


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"x" * 20_000, 431),
    ],
)
def test_what_is_no_request_ends_its_connection(target: RunningTarget, sent: bytes, status: int) -> None:
    heard = raw(target, sent, until_closed=False)
    assert heard.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in heard
    assert heard.count(b"Content-Length") == 1


def test_other_methods_are_refused(client: http.client.HTTPConnection) -> None:
    assert get(client, "/", "DELETE")[0] == 405
    assert get(client, "/healthz")[0] == 200


def test_a_client_that_leaves_while_it_waits_disturbs_nobody(target: RunningTarget) -> None:
    with socket.create_connection(("127.0.0.1", target.port)) as connection:
        connection.sendall(b"GET /?delay=0.1 HTTP/1.1\r\n\r\n")
    time.sleep(0.2)
    assert raw(target, b"GET /healthz HTTP/1.0\r\n\r\n", until_closed=False).endswith(b"ok\n")
    assert target.process.poll() is None


def test_sigterm_ends_it_at_once_whatever_is_on_its_way() -> None:
    with http_target() as target, socket.create_connection(("127.0.0.1", target.port)) as connection:
        connection.sendall(b"GET /?delay=30 HTTP/1.1\r\n\r\n")
        assert raw(target, b"GET /healthz HTTP/1.0\r\n\r\n", until_closed=False).endswith(b"ok\n")
        began = time.monotonic()
        assert target.end() == 0
        assert time.monotonic() - began < 3
        assert target.process.stdout is not None
        assert target.process.stdout.read() == ""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system pins nothing")
def test_it_runs_on_the_cpu_that_it_is_given() -> None:
    last = max(os.sched_getaffinity(0))
    with http_target("--cpu", str(last)) as target:
        assert os.sched_getaffinity(target.process.pid) == {last}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")
def test_it_ends_with_its_parent() -> None:
    script = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'parlab.workers.targets.http_target', '--port', '0',"
        " '--parent', str(os.getpid())], stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline().strip(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    port = int(done.stdout.rpartition(":")[2])

    def gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_until(gone, 10)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "port (0 to 65535)"),
        (["--port", "x"], "port (0 to 65535)"),
        (["--cpu", "100000"], "that CPU cannot be used here"),
        (["--speed"], "--speed"),
    ],
)
def test_wrong_arguments_are_told(arguments: list[str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "parlab.workers.targets.http_target", *arguments],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(target: RunningTarget) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "parlab.workers.targets.http_target", "--port", str(target.port)],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 3
    assert f"port {target.port}" in done.stderr


def test_failures_fill_their_share_evenly() -> None:
    for ratio in (0.0, 0.1, 0.25, 0.5, 1.0):
        for start in (0, 1000, 123_456_789):
            failed = sum(fails(start + n, ratio) for n in range(100))
            assert abs(failed - 100 * ratio) <= 2
