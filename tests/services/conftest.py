import os
import pathlib

import pytest

from tests.services import faults, recorded
from tests.services.cloud import Cloud
from tests.telling import teller

OUTCOMES = pytest.StashKey()


@pytest.fixture(scope='session')
def disk():
    """A directory on a disk; it goes away with the run."""
    directory = os.environ.get('CLOUD_DISK')
    if not directory:
        pytest.exit('run these by: python -m tests.services', returncode=1)
    return pathlib.Path(directory)


@pytest.fixture(scope='session')
def cloud(disk):
    """A cloud of all services, Nova's not yet."""
    made = Cloud(disk, recorded.hosts(disk))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope='session')
def tell(request):
    """Give a function that tells an outcome now, and in a table in the end."""
    outcomes = request.config.stash.setdefault(OUTCOMES, [])
    told = teller(request.config)

    def tell(outcome):
        outcomes.append(outcome)
        told(outcome)

    return tell


def pytest_terminal_summary(terminalreporter, config):
    """Show the outcomes as the documents do."""
    found = config.stash.get(OUTCOMES, [])
    if found:
        terminalreporter.write_line(faults.table(found))
