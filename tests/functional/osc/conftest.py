from tests.cloud import started_cloud  # isort: skip

import functools
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests import forks
from tests.cloud import loopback, machines

PROGRAM = pathlib.Path(sys.prefix, 'bin', 'openstack')
# Whose main that program is.
MODULE = 'openstackclient.shell'


@pytest.fixture(scope='module')
def cloud():
    """Three hosts with Nova's own driver; dedicated CPUs on the last."""
    with started_cloud() as running:
        for name, dedicated in (
            ('node1', ()),
            ('node2', ()),
            ('node3', (2, 3)),
        ):
            running.add_host(
                name,
                machines.symmetric(1, 4),
                dedicated=set(dedicated),
                shared=set(range(4)) - set(dedicated),
            )
        yield running


@pytest.fixture(scope='module')
def server(cloud):
    """Its applications over HTTP."""
    with loopback.of_cloud(cloud) as running:
        yield running


class Ran:
    """What a command has printed, and how it ended."""

    def __init__(self, process):
        self.status = process.returncode
        self.text = process.stdout
        self.told = process.stderr.splitlines()

    @property
    def data(self):
        assert self.status == 0, self.told
        return json.loads(self.text)

    @property
    def failure(self):
        """The one line of a command that has failed and shown nothing."""
        assert (self.status, self.text) == (1, ''), self.told
        (line,) = self.told
        return line


@pytest.fixture(scope='session')
def start():
    """Give what runs the command in an environment."""
    if forks.AVAILABLE:
        forks.load(MODULE)
        return functools.partial(forks.run, MODULE)
    return lambda command, environment: subprocess.run(
        command, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def openstack(server, start):
    """Give a function that runs ``openstack``.

    Its environment names the cloud, unless something else is given.
    """
    server.asked.clear()

    def run(*arguments, **environment):
        own = {'PATH': os.environ['PATH']}
        given = environment or server.environment
        return Ran(start([PROGRAM, *arguments], own | given))

    yield run
    server.before = None
