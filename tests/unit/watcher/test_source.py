import sys

import pytest

from numa_sched.exceptions import SnapshotError, SourceError
from numa_sched.fleet import Fleet, snapshot
from numa_sched.watcher import source
from tests.fleets import make_fleet_host


@pytest.fixture
def made():
    return Fleet((make_fleet_host('node', 4),))


@pytest.fixture
def path(tmp_path, made):
    path = tmp_path / 'a fleet.json'
    path.write_bytes(snapshot.dumps(made))
    return path


def test_what_a_command_writes_is_read(path, made):
    assert source.fleet(f'cat "{path}"') == made


def test_a_file_is_read_instead_of_the_command(path, made):
    assert source.fleet('false', str(path)) == made


def test_no_shell_is_asked(path):
    with pytest.raises(SourceError, match='No such file'):
        source.fleet(f'cat "{path}"; true')


@pytest.mark.parametrize(
    ('command', 'told'),
    [
        ('', 'cannot be run'),
        ('no-such-program -', 'No such file or directory'),
        ('"unfinished', 'No closing quotation'),
        ('false', 'ends with status 1'),
        (
            f'{sys.executable} -c "import sys; sys.exit(\'one\\nno cell\')"',
            'ends with status 1: no cell',
        ),
    ],
    ids=['none', 'not there', 'half a quotation', 'silent', 'with a reason'],
)
def test_a_command_that_fails_is_told_with_its_last_line(command, told):
    with pytest.raises(SourceError) as caught:
        source.fleet(command)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f'snapshot_command = {command}: ')


def test_a_command_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(source, 'PATIENCE_S', 0.2)
    with pytest.raises(SourceError, match=r'has not ended after 0\.2 s'):
        source.fleet('sleep 60')


def test_what_is_no_snapshot_is_refused():
    with pytest.raises(SnapshotError, match='is not JSON'):
        source.fleet('echo hello')
