"""What Nova logs is listened to, if the option is set."""

import logging
import os

import pytest
from nova.scheduler import request_filter

from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.word import Listener
from tests.functional.scheduler.word.asking import (
    ask,
    hosts,
    log_no_candidates,
    request,
)


def test_the_request_filter_is_installed_before_placement_is_asked():
    import numa_sched.nova

    stock = list(request_filter.ALL_REQUEST_FILTERS)
    try:
        numa_sched.nova.all_filters()
        assert word.begin in request_filter.ALL_REQUEST_FILTERS
    finally:
        request_filter.ALL_REQUEST_FILTERS[:] = stock


@pytest.fixture
def nova_loggers():
    """Those that are listened to, which nobody does any more afterwards."""
    loggers = list(map(logging.getLogger, word.LOGGERS))
    before = [logger.handlers[:] for logger in loggers]
    yield loggers
    for logger, handlers in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers


def listeners(logger):
    return [
        each
        for each in logger.handlers
        if isinstance(each, Listener) and each._word is word.of_this_process()
    ]


def test_nova_is_listened_to_by_one_at_a_time(path, nova_loggers):
    for logger in nova_loggers:
        logger.handlers.clear()
    for _ in range(3):
        word.listen()
    assert [len(listeners(each)) for each in nova_loggers] == [1, 1]


def test_nova_is_not_listened_to_unless_the_option_is_set(nova_loggers):
    for logger in nova_loggers:
        logger.handlers.clear()
    word.listen()
    assert [len(listeners(each)) for each in nova_loggers] == [0, 0]


def test_nothing_is_noted_or_written_unless_the_option_is_set(left, tmp_path):
    spec = request(vcpus=8)
    ask(left, spec, hosts(one=4))
    log_no_candidates()
    left.round()
    assert (left._open, left._over, left._thread) == ({}, [], None)
    assert os.listdir(tmp_path) == []
