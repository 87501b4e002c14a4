import os
import pathlib
import uuid

import pytest

from tests.real import guests, hosts, moving


@pytest.fixture(scope='session')
def disk():
    """A directory on a disk; it goes away with the run."""
    directory = os.environ.get('REAL_HOSTS_DISK')
    if not directory:
        pytest.exit('run these by: python -m tests.real', returncode=1)
    return pathlib.Path(directory)


@pytest.fixture(scope='session')
def image(disk):
    return guests.build(disk)


@pytest.fixture(scope='session', autouse=True)
def _nova():
    moving.start()


@pytest.fixture(scope='session', autouse=True)
def _network():
    with hosts.network():
        yield


@pytest.fixture(scope='session')
def pair(disk):
    """Two hosts, whose QEMU is root and may do post-copy."""
    with hosts.running('one', 'two', disk=disk) as running:
        yield running


@pytest.fixture
def permits():
    """Have the host permit neither feature, as is Nova's default."""
    moving.configure(
        live_migration_permit_auto_converge=False,
        live_migration_permit_post_copy=False,
    )
    moving.CONF.clear_override('post_copy_with_vhost_user', 'numa_sched')
    yield moving.configure


@pytest.fixture
def guest(pair, image, permits):
    """Start guests on host one by their domains; they go with the test."""
    started = []

    def start(**parts):
        name = str(uuid.uuid4())
        started.append(name)
        guests.start(pair['one'], guests.domain(name, image, **parts))
        return name

    yield start
    for name in started:
        for host in pair.values():
            guests.destroy(host, name)
