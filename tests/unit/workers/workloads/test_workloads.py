"""Each workload that needs no service: what it declares, what it is given, what one task of it gives."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.bootstrap import TRIALPATH
from parlab.workers.parameter import settle
from parlab.workers.workloads import (
    compress,
    file_write_read,
    image_resize,
    json_parse,
    matrix_multiply,
    mixed,
    numpy_matmul,
    payload,
    prime_sieve,
    regex_scan,
    sqlite_query,
    sum_of_squares,
    wait,
)
from parlab.workers.workloads import hash as hashing
from parlab.workers.workloads.base import Workload

_WORKLOADS = [name for name, one in catalog.workloads().items() if not one.targets]
#: A task of integer_sum is the article's, which is long; one of payload is next to nothing, by intent.
_USUAL = [name for name in _WORKLOADS if name not in ("integer_sum", "payload")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where workloads put their files; whatever they open is closed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    sqlite_query.teardown()


def items_of(workload: Workload, count: int = 3, **given: Any) -> list[Any]:
    return workload.inputs(settle(workload.parameters, given, workload.name), count)


def results_of(workload: Workload, count: int = 3, **given: Any) -> list[Any]:
    return [workload.function(item) for item in items_of(workload, count, **given)]


@pytest.mark.parametrize("name", _WORKLOADS)
def test_a_workload_declares_what_a_reader_and_a_trial_need(name: str) -> None:
    workload = catalog.workload(name)
    assert workload.summary.endswith(".")
    assert workload.kind in ("cpu", "io", "mixed")
    for parameter in workload.parameters.values():
        assert parameter.summary.endswith(".")
        assert parameter.refusal(parameter.default) is None
        # A number without limits could fill the memory of a node by a slip of the pen.
        assert parameter.kind not in (int, float) or parameter.minimum is not None
    for function in (workload.function, workload.setup, workload.teardown, workload.async_function):
        assert function is None or getattr(inspect.getmodule(function), function.__name__) is function


@pytest.mark.parametrize("name", _WORKLOADS)
def test_its_items_are_as_many_as_asked_and_the_same_each_time(name: str) -> None:
    workload = catalog.workload(name)
    assert len(items_of(workload, 1)) == 1
    items = items_of(workload, 7)
    assert items == items_of(workload, 7)
    # No two tasks do the same: a result that is given for another's would not be found out.
    assert len(set(items)) == 7


@pytest.mark.parametrize("name", _WORKLOADS)
def test_its_items_are_small(name: str) -> None:
    if name != "payload":
        assert len(repr(items_of(catalog.workload(name), 1))) < 300


@pytest.mark.parametrize("name", _USUAL)
def test_a_task_of_its_defaults_is_long_enough_to_be_timed_and_no_longer(name: str) -> None:
    workload = catalog.workload(name)
    [item] = items_of(workload, 1)
    workload.function(item)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        workload.function(item)
        seconds.append(time.perf_counter() - begin)
    # 1 to 100 ms are wanted; this machine may be slow and busy, or fast.
    assert 0.0005 < statistics.median(seconds) < 0.3


@pytest.mark.parametrize("name", _WORKLOADS)
def test_its_module_loads_without_what_others_make(name: str) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from _parlab_trial import catalog; "
        "catalog.workload(sys.argv[2]); print(*{'typing', 'numpy', 'PIL', 'asyncio'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-s", "-P", "-S", "-c", program, TRIALPATH, name],
        capture_output=True,
        text=True,
        check=True,
    )
    # tempfile brings typing along, by way of shutil and its compressors, in some versions.
    assert set(answer.stdout.split()) - {"typing"} == set()


def test_squares_are_summed() -> None:
    # n(n+1)(2n+1)/6 for the first, one further for each after it.
    first, second, _ = results_of(sum_of_squares.WORKLOAD, n=1001)
    assert first == 1000 * 1001 * 2001 // 6
    assert second == 1001 * 1002 * 2003 // 6


def test_primes_are_counted() -> None:
    assert [prime_sieve.run(n) for n in (2, 3, 4, 10, 100, 1_000_000)] == [1, 2, 2, 4, 25, 78_498]


def test_matrices_are_multiplied() -> None:
    # By hand: rows (0 3) (7 10) times columns (0 5) (11 16) have 15 and 77 + 160 on the diagonal.
    assert results_of(matrix_multiply.WORKLOAD, n=2)[0] == 15 + 77 + 160
    number, n = 3, 6
    left = [[(number + r * 7 + c * 3) % 101 for c in range(n)] for r in range(n)]
    right = [[(number + r * 5 + c * 11) % 103 for c in range(n)] for r in range(n)]
    trace = sum(left[i][k] * right[k][i] for i in range(n) for k in range(n))
    assert matrix_multiply.run((number, n)) == trace


def test_numpys_product_is_exact() -> None:
    n, number = 7, 3
    left = [[(r * n + c) * 7 % 101 for c in range(n)] for r in range(n)]
    right = [[(r * n + c) * 11 % 103 for c in range(n)] for r in range(n)]
    product = [[sum(left[r][k] * right[k][c] for k in range(n)) for c in range(n)] for r in range(n)]
    assert numpy_matmul.run((number, n)) == (sum(product[i][i] for i in range(n)), sum(product[number]))
    # At the most rows that it takes, a sum of products is still an integer that a float holds.
    most = numpy_matmul.WORKLOAD.parameters["n"].maximum
    assert most is not None
    assert most * most * 100 * 102 < 2**53


def test_blas_is_told_its_threads_or_left_alone() -> None:
    assert set(numpy_matmul.environment({"inner_threads": 2}).values()) == {"2"}
    assert numpy_matmul.environment({"inner_threads": 0}) == {}


def test_a_document_is_parsed_changed_and_written() -> None:
    records = json.loads(json_parse._document(3000))
    total = sum(record["stock"] for record in records)
    first, second, _ = results_of(json_parse.WORKLOAD, size=3000)
    assert 3000 <= first[1] < 3300
    assert first[0] == total
    assert second[0] == total + len(records)


def test_a_log_is_searched() -> None:
    lines = regex_scan._log(20_000).split("\n")
    found = [line.split() for line in lines if "@" in line and re.search(r'" 5\d\d \d+$', line)]
    assert len(found) > 10
    assert regex_scan.run((0, 20_000)) == (len(found), sum(int(words[-1]) for words in found))


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b", "md5", "sha1"])
@pytest.mark.parametrize("size", [1, 1000, 2048, 70_000])
def test_a_digest_is_of_all_pieces(algorithm: str, size: int) -> None:
    piece = (bytes(range(256)) * 300)[:size]
    data = (piece * (10_000 // size + 1))[:10_000]
    results = results_of(hashing.WORKLOAD, algorithm=algorithm, size=size, total=10_000)
    for number, result in enumerate(results):
        assert result == hashlib.new(algorithm, number.to_bytes(4, "little") + data).hexdigest()


def test_an_algorithm_that_a_build_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hashing.unavailable({"algorithm": "md5"}) is None
    assert "no whirlpool9" in str(hashing.unavailable({"algorithm": "whirlpool9"}))
    assert compress.unavailable({"algorithm": "zlib"}) is None
    monkeypatch.setitem(sys.modules, "lzma", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    assert "this Python build has no lzma: " in str(compress.unavailable({"algorithm": "lzma"}))
    assert "(it came with Python 3.14)" in str(compress.unavailable({"algorithm": "zstd"}))


@pytest.mark.parametrize("algorithm", ["zlib", "lzma", "bz2"])
@pytest.mark.parametrize("level", [1, 9])
@pytest.mark.parametrize("round_trip", [True, False])
def test_what_is_compressed_comes_out_again(algorithm: str, level: int, round_trip: bool) -> None:
    results = results_of(
        compress.WORKLOAD, algorithm=algorithm, level=level, size=20_000, round_trip=round_trip
    )
    import zlib

    text = compress._text(20_000)
    assert len(text) == 20_000
    assert results == [(zlib.crc32(n.to_bytes(4, "little") + text), True) for n in range(3)]


def test_text_is_as_compressible_as_prose() -> None:
    import zlib

    text = compress._text(200_000)
    assert 2 < len(text) / len(zlib.compress(text)) < 5


def test_a_picture_is_resized_and_another_is_refused() -> None:
    pytest.importorskip("PIL")
    workload = image_resize.WORKLOAD
    given: dict[str, Any] = {}
    for name in ("nearest", "bilinear", "bicubic", "lanczos"):
        for width in (16, 33, 640, 700):
            given = {"source": 640, "width": width, "filter": name}
            results = results_of(workload, **given)
            assert all(map(image_resize.check, items_of(workload, **given), results))
    item, result = items_of(workload, **given)[2], results_of(workload, **given)[2]
    assert result[:3] == (2, 700, 700)
    assert not image_resize.check(item, (1, *result[1:]))
    assert not image_resize.check(item, (2, 700, 699, result[3]))
    assert not image_resize.check(item, (2, 700, 700, result[3][::-1]))
    assert not image_resize.check(item, (2, 700, 700, b""))
    assert not image_resize.check(item, None)


@pytest.mark.parametrize(("bytes_in", "bytes_out"), [(0, 0), (1, 9), (1000, 5), (7, 100_000)])
def test_a_payload_is_as_long_as_asked_each_way(bytes_in: int, bytes_out: int) -> None:
    items = items_of(payload.WORKLOAD, bytes_in=bytes_in, bytes_out=bytes_out)
    assert [len(given) for given, _, _ in items] == [bytes_in] * 3
    results = [payload.run(item) for item in items]
    assert [len(result) for result in results] == [bytes_out] * 3
    if bytes_in and bytes_out:
        assert len(set(results)) == 3


def test_a_payload_has_as_much_work_as_asked_and_the_same_size() -> None:
    given = {"bytes_in": 40, "bytes_out": 24}
    idle, short, long = (results_of(payload.WORKLOAD, steps=steps, **given) for steps in (0, 10, 20_000))
    assert [len(result) for result in (*idle, *short, *long)] == [24] * 9
    # Its result depends on every step: what would do fewer is found out.
    assert all(len({a, b, c}) == 3 for a, b, c in zip(idle, short, long, strict=True))
    assert results_of(payload.WORKLOAD, steps=19_999, **given) != long

    def seconds(steps: int) -> float:
        [item] = items_of(payload.WORKLOAD, 1, steps=steps, **given)
        begin = time.perf_counter()
        payload.run(item)
        return time.perf_counter() - begin

    # Twenty times the steps: a wide margin, and the least of several, for a machine that others use.
    assert min(seconds(400_000) for _ in range(5)) > 5 * min(seconds(20_000) for _ in range(5))


@pytest.mark.parametrize("fsync", [True, False])
@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_a_file_is_read_as_it_was_written_and_removed(size: int, fsync: bool, folder: Path) -> None:
    import zlib

    results = results_of(file_write_read.WORKLOAD, size=size, fsync=fsync)
    content = (bytes(range(256)) * 400)[:size]
    assert results == [(size + 4, zlib.crc32(n.to_bytes(4, "little") + content)) for n in range(3)]
    assert list(folder.iterdir()) == []


def test_a_database_is_asked(folder: Path) -> None:
    amounts = [number * 7919 % 10_007 for number in range(5000)]
    for number, result in enumerate(results_of(sqlite_query.WORKLOAD, rows=5000)):
        chosen = [amount for amount in amounts if (amount + number) % 7 == 0]
        assert result == (len(chosen), sum(chosen), max(chosen))
    sqlite_query.teardown()
    assert list(folder.iterdir()) == []


def test_rows_are_written_and_committed(folder: Path) -> None:
    for _ in range(2):
        assert results_of(sqlite_query.WORKLOAD, mode="write", rows=1) == [(0,), (1,), (2,)]
    [path] = folder.glob("*.db")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT number FROM notes").fetchall() == [(0,), (1,), (2,)] * 2
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    sqlite_query.teardown()
    sqlite_query.teardown()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("workload", [wait.WORKLOAD, mixed.WORKLOAD])
def test_the_form_without_a_thread_gives_the_same(workload: Workload) -> None:
    items = items_of(workload, seconds=0.02)
    assert workload.async_function is not None

    async def all_of_them(function: Any) -> list[Any]:
        return list(await asyncio.gather(*map(function, items)))

    begin = time.perf_counter()
    results = asyncio.run(all_of_them(workload.async_function))
    assert results == [workload.function(item) for item in items]
    # Neither holds up the loop while it waits: all three do so at once, then one by one.
    assert time.perf_counter() - begin < 1
