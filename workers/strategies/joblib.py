"""joblib's pool of processes, which is kept between calls and sends functions by value: loky."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from ._start_barrier import in_each_worker
from .base import BuildFacts, Option, Pool, Strategy, nothing
from .processes import tidy_multiprocessing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


#: A pool that is not used for so long ends its processes; a trial's must outlive the rounds of others.
_IDLE_SECONDS = 3600


class JoblibPool(Pool):
    """A ``joblib.Parallel`` over loky, entered once and used for every round."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        import joblib

        # loky starts interpreters of its own that are to find it; the trial's flags keep them from its site.
        where = os.path.dirname(os.path.dirname(joblib.__file__))  # noqa: PTH120 - pathlib costs a trial 5 ms
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (where, os.environ.get("PYTHONPATH"))))

        self._max_workers = max_workers
        self._delayed = joblib.delayed
        self._initializer = initializer
        self._parallel = joblib.Parallel(
            n_jobs=max_workers,
            backend="loky",
            batch_size=options["chunksize"] or "auto",
            idle_worker_timeout=_IDLE_SECONDS,
            initializer=initializer,
        )
        #: None where there is one worker only, for which joblib makes no process.
        self._executor: Any = None

    def ping(self) -> None:
        """Return when every process has run something."""
        self._parallel.__enter__()
        # joblib's own processes: a second executor would be another pool beside the one that is timed.
        self._executor = getattr(self._parallel._backend, "_workers", None)  # noqa: SLF001 - nothing public has it
        if self._executor is None and self._initializer is not None:
            self._initializer()
        self.survey(nothing)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Do what people write."""
        call = self._delayed(function)
        results: list[Any] = self._parallel(call(item) for item in items)
        return results

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each process."""
        if self._executor is None:
            return [function()]
        return in_each_worker(self._executor, self._max_workers, function)

    def close(self) -> None:
        """Leave the pool and end its processes, which joblib itself would keep for a next time."""
        self._parallel.__exit__(None, None, None)
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=False)

    def pids(self) -> list[int]:
        """Give the processes of the executor."""
        return list(getattr(self._executor, "_processes", None) or {})

    def breakage(self, error: BaseException) -> str | None:
        """Say that processes of the pool died, as loky knows it."""
        if type(error).__name__ in ("TerminatedWorkerError", "BrokenProcessPool"):
            return f"the pool broke: {str(error).strip().partition(chr(10))[0]}"
        return None

    def tidy(self) -> None:
        """End loky's tracker of semaphores and multiprocessing's own, which outlive the pool for a moment."""
        from joblib.externals.loky.backend import resource_tracker

        getattr(resource_tracker._resource_tracker, "_stop", nothing)()  # noqa: SLF001 - as multiprocessing's
        tidy_multiprocessing()


def unavailable(facts: BuildFacts, options: Mapping[str, Any]) -> str | None:
    """Say what this build lacks for processes."""
    del options
    if "_multiprocessing" in facts.lacks:
        return "this Python build has no multiprocessing (it lacks _multiprocessing)"
    return None


STRATEGY = Strategy(
    name="joblib",
    summary="joblib.Parallel with loky: processes that get functions by value (needs joblib).",
    simplicity=6,
    isolation="process",
    by_value=True,
    requires=("joblib",),
    options={
        "chunksize": Option(
            int,
            None,
            minimum=1,
            unit="tasks",
            summary="joblib's batch_size; by default, joblib chooses it.",
        ),
    },
    open=JoblibPool,
    unavailable=unavailable,
)
