import os
import pathlib

import pytest

from tests.services.cloud import Cloud


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
    made = Cloud(disk)
    try:
        yield made.start()
    finally:
        made.stop()
