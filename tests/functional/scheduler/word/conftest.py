"""What all look at that is told of requests without a host."""

import logging

import pytest

from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.word import Listener
from tests.functional.scheduler.word.asking import Quiet


@pytest.fixture
def path(tmp_path, option):
    """The option is on."""
    path = str(tmp_path / 'refusals')
    option('refusals_file', path)
    return path


@pytest.fixture(autouse=True)
def _enabled(option):
    names = ['ComputeFilter', 'NUMAFitFilter', 'MigrationDestinationFilter']
    option('enabled_filters', names, 'filter_scheduler')


@pytest.fixture
def left():
    """What one worker leaves word of."""
    return Quiet()


@pytest.fixture(autouse=True)
def _listening(left, caplog):
    listener = Listener(left)
    for name in word.LOGGERS:
        caplog.set_level('INFO', name)
        logging.getLogger(name).addHandler(listener)
    yield
    for name in word.LOGGERS:
        logging.getLogger(name).removeHandler(listener)
