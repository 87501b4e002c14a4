from benchmarks import runs  # isort: skip  (Nova patches come first)

import multiprocessing
from concurrent import futures

import pytest


@pytest.fixture(scope='module')
def measured():
    """Give what came of a run.

    In a process of its own, as it sets options; a new one, as a fork would
    wait for locks that threads of this one hold.
    """
    with futures.ProcessPoolExecutor(
        1, multiprocessing.get_context('spawn')
    ) as process:
        yield lambda run: process.submit(runs.measure, run).result()[1]
