import pytest

from numa_sched.cli import app
from numa_sched.fleet import Fleet, snapshot
from tests.builders import make_cell
from tests.fleets import make_flavor, make_fleet_host, make_server

POST_COPY = 'COMPUTE_MIGRATE_POST_COPY'


def cloud():
    """Give a cloud: of four hosts two would do for the server web."""
    asks = {'extra_specs': {'compute:live_migration_post_copy': 'true'}}
    small = make_flavor('small', 2, **asks)
    wide = make_flavor('wide', 4, 4)
    plain = make_flavor('plain')
    both = {
        **asks['extra_specs'],
        'compute:live_migration_auto_converge': 'true',
    }
    wrong = make_flavor('wrong', 2, extra_specs=both)
    busy = make_server(
        'busy', wrong, 'large', locked=True, task_state='migrating'
    )
    broken = make_flavor('broken', error='no such policy')
    server = make_server('web', small, 'full', uuid='0123-web')
    odd = make_server('\x1b[31m<b>', small, 'gone', uuid='4567-odd')
    able = {'traits': frozenset({POST_COPY}), 'zone': 'north'}
    return Fleet(
        (
            make_fleet_host('full', make_cell(cpus=2, pinned=(0, 1)), **able),
            make_fleet_host('large', 8, **able),
            make_fleet_host('exact', 2, **able),
            make_fleet_host('unable', 4),
            make_fleet_host('down', 4, up=False, **able),
        ),
        (server, odd, busy),
        (small, wide, plain, wrong, broken),
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'fleet.json'
    path.write_bytes(snapshot.dumps(cloud()))
    return str(path)


@pytest.fixture
def run(capsys):
    """Run a command; gives status, what it wrote, and its errors."""

    def run(*arguments):
        status = app.run(list(arguments))
        written = capsys.readouterr()
        return status, written.out, written.err

    return run


@pytest.fixture
def ask(run, file):
    """Run a command on the snapshot; gives what it wrote if that was well.

    With ``all`` false, a plan that does not lead to all that is wanted.
    """

    def ask(*arguments, all=True):
        status, out, err = run(*arguments, '--snapshot', file)
        assert (status, err) == (0 if all else 3, '')
        return out

    return ask
