"""Sources of the claims in the article that parlab grew out of (docs/article.md)."""

from __future__ import annotations

from collections.abc import Mapping

#: The article's systems that claims are about, by their numbers in docs/article.md.
SYSTEMS: Mapping[str, str] = {
    "S1": "threads with shared memory",
    "S2": "processes with their own memory",
    "S3": "the GIL",
    "S5": "a counter that threads share, without a lock",
    "S6": "a multiprocessing.Value",
    "S9": "queues and pipes",
    "S10": "threads inside processes",
    "S11": "waiting for the network",
    "S12": "files",
    "S13": "databases",
    "S14": "computing",
    "S15": "image processing",
    "S16": "compression",
    "S17": "creating and ending workers",
    "S18": "switching",
    "S19": "memory",
    "S20": "error isolation",
    "S21": "stopping work",
    "S23": "asyncio",
    "S24": "how many workers",
}
#: By the claim's id: the systems that the article says it of.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "C1": ("S3", "S14"),
    "C2": ("S2", "S14"),
    "C3": ("S1", "S2", "S17"),
    "C4": ("S18",),
    "C5": ("S11", "S12", "S13"),
    "C6": ("S24", "S11"),
    "C7": ("S24", "S14"),
    "C8": ("S15", "S16"),
    "C9": ("S5",),
    "C10": ("S6",),
    "C11": ("S19",),
    "C12": ("S20",),
    "C13": ("S21",),
    "C14": ("S10",),
    "C15": ("S23", "S11"),
    "C16": ("S9",),
}


def source_of(claim: str) -> str:
    """Say what of the article a claim that ships is about: "S3 the GIL, S14 computing"; empty for others'."""
    return ", ".join(f"{number} {SYSTEMS[number]}" for number in SOURCES.get(claim, ()))
