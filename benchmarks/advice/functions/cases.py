"""Functions that advice is asked for, their inputs, and what a search for the best would try."""

from __future__ import annotations

from dataclasses import dataclass

_HERE = "benchmarks.advice.functions"


@dataclass(frozen=True)
class AdviceCase:
    """A function as a user would name it to parlab."""

    name: str
    #: What there is to learn from it, for the table.
    kind: str
    #: Module and name, below this package.
    function: str
    inputs: str
    async_function: str | None = None
    #: Whether ``function`` is one itself.
    is_coroutine: bool = False
    #: Whether its tasks wait, so that many more workers than CPUs may pay.
    waits: bool = False
    #: Tasks handed over at a time, where a strategy takes that: as many as leave work for all.
    chunks: tuple[int, ...] = (1, 4)

    @property
    def reference(self) -> str:
        """The function as ``module:name``."""
        return f"{_HERE}.{self.function}"

    @property
    def inputs_reference(self) -> str:
        """What makes its inputs, as ``module:name``."""
        return f"{_HERE}.{self.inputs}"

    @property
    def async_reference(self) -> str | None:
        """The same work as a coroutine function, or None."""
        return f"{_HERE}.{self.async_function}" if self.async_function else None

    @property
    def has_async(self) -> bool:
        """Whether asyncio can run it."""
        return self.is_coroutine or self.async_function is not None


CASES = (
    AdviceCase("cpu-10ms", "pure Python, 10 ms", "cpu:count", "cpu:TEN_MS", chunks=(1, 2)),
    AdviceCase("cpu-1ms", "pure Python, 1 ms", "cpu:count", "cpu:ONE_MS"),
    AdviceCase("sha256", "native without the GIL", "native:sha256", "native:SEEDS"),
    AdviceCase("zlib", "native without the GIL", "native:compress", "native:SEEDS"),
    AdviceCase("json", "native with the GIL", "native:dump", "native:SEEDS"),
    AdviceCase("regex", "native with the GIL", "native:scan", "native:SEEDS"),
    AdviceCase("wait-1ms", "wait of 1 ms", "waits:wait_1_ms", "waits:CALLS", waits=True),
    AdviceCase("wait-5ms", "wait of 5 ms", "waits:wait_5_ms", "waits:CALLS", waits=True, chunks=(1,)),
    AdviceCase("wait-50ms", "wait of 50 ms", "waits:wait_50_ms", "waits:CALLS", waits=True, chunks=(1,)),
    AdviceCase(
        *("async", "coroutine, wait of 5 ms", "waits:await_5_ms", "waits:CALLS"),
        is_coroutine=True,
        waits=True,
        chunks=(1,),
    ),
    AdviceCase(
        *("both", "both forms, wait of 5 ms", "waits:wait_5_ms", "waits:CALLS", "waits:await_5_ms"),
        waits=True,
        chunks=(1,),
    ),
    AdviceCase(
        "mixed", "wait, then pure Python", "mixed:fetch_and_count", "mixed:STEPS", waits=True, chunks=(1,)
    ),
    AdviceCase("payload-in", "1 MiB in", "payloads:checksum", "payloads:megabytes"),
    AdviceCase("payload-out", "1 MiB out", "payloads:make", "payloads:STARTS"),
    AdviceCase("tiny-2us", "tiny, 2 µs", "tiny:add", "tiny:TWO_US", chunks=(1, 32, 512)),
    AdviceCase("tiny-50us", "tiny, 50 µs", "tiny:add", "tiny:FIFTY_US", chunks=(1, 8, 64)),
    AdviceCase("hungry", "100 MiB a call", "hungry:fill", "hungry:FILLS", chunks=(1,)),
    AdviceCase("closure", "unpicklable function", "unpicklable:closure", "unpicklable:STEPS"),
    AdviceCase(
        "locks", "unpicklable inputs, wait", "unpicklable:balance", "unpicklable:accounts", waits=True
    ),
)
