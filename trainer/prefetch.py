"""Makes things ahead of their use, on threads, without changing their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Made = TypeVar("Made")

AHEAD = 2  # things made in advance for each thread


def made_ahead(
    jobs: Iterable[Job], make: Callable[[Job], Made], workers: int
) -> Generator[tuple[Job, Made], None, None]:
    """Each job with what ``make`` gives for it, in order.

    Decoding and resizing let go of Python's global lock, so threads suffice, and all of them
    share the pictures in memory.

    Args:
        jobs: taken as needed.
        make: called on the threads; what it raises is raised here, in its turn.
        workers: threads; 0 makes each thing when it is asked for.
    """
    if workers == 0:
        for job in jobs:
            yield job, make(job)
        return
    waiting: deque[tuple[Job, Future[Made]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cuts")
    try:
        for job in jobs:
            waiting.append((job, pool.submit(make, job)))
            if len(waiting) > AHEAD * workers:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
