"""Plans carried out through the API of a real cloud.

The command runs here, with openstacksdk, against the API over HTTP.
"""

import json

import pytest

from numa_sched.carry import Patience
from numa_sched.cli import carrying
from tests.cloud import asking, loopback, machines
from tests.functional.cli.execute.carried import moves_made, moves_told

QUICK = Patience(between=0.1, nothing=8.0, silence=30.0)


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    machines.add_three(cloud)


@pytest.fixture(scope='module')
def api(cloud):
    """The API over HTTP."""
    with loopback.of_cloud(cloud) as running:
        yield running


@pytest.fixture
def journal(tmp_path):
    return tmp_path / 'journal'


@pytest.fixture(autouse=True)
def _true(cloud, api, journal, monkeypatch):
    """Have the environment name the cloud, as an operator's does.

    In the end no server is in error, and the journal tells what Nova does.
    """
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(carrying, 'PATIENCE', QUICK)
    api.asked.clear()
    yield
    api.before = None
    servers = cloud.api.get_servers()
    assert 'ERROR' not in {each['status'] for each in servers}
    there = {each['id'] for each in servers}
    told = [each for each in moves_told(journal) if each[0] in there]
    assert sorted(told) == sorted(moves_made(cloud, there))


@pytest.fixture
def run(capsys, journal):
    """Have a command carried out; gives its status, and what is told."""

    def run(*arguments, resume=False):
        where = '--resume' if resume else '--journal'
        capsys.readouterr()
        status, told = asking.ask(
            *arguments, '--execute', '--yes', where, str(journal)
        )
        return status, told + capsys.readouterr().err

    return run


@pytest.fixture
def entries(journal):
    """Give what a journal tells, its lines without time."""

    def read():
        lines = list(map(json.loads, journal.read_text().splitlines()))
        assert all(line.pop('at') for line in lines)
        return lines

    return read
