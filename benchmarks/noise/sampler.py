"""Cost of a node's sampler: its own CPU time, as a share of one core.

``python -m benchmarks.noise.sampler [SECONDS]``
"""

from __future__ import annotations

import sys
import time

from benchmarks.machine import header
from parlab.workers.node.heartbeat import INTERVAL_SECONDS, Sampler
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import Heartbeat

READS = 500


def main() -> None:
    """Read and encode as a node does, and print the share that this takes at its interval."""
    reads = int(sys.argv[1]) if len(sys.argv) > 1 else READS
    sampler = Sampler()
    began = time.thread_time()
    for _ in range(reads):
        encode(Heartbeat("n", 0.0, None, readings=sampler.read()))
    seconds = (time.thread_time() - began) / reads
    print(header("what a node's sampler costs"))
    print(f"one reading: {seconds * 1e3:.2f} ms of CPU time; every {INTERVAL_SECONDS:g} s:")
    print(f"{seconds / INTERVAL_SECONDS:.3%} of one core (wanted: at most 0.5 %)")


if __name__ == "__main__":
    main()
