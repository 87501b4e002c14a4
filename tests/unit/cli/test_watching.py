"""``keep-room --watch``: rounds of a clock and a cloud that are scripted."""

import datetime
import json

import pytest

from numa_sched.carry import Patience, Shape
from numa_sched.cli import carrying, compute_api, source, watching
from numa_sched.exceptions import SourceError
from numa_sched.fleet import Fleet, Seat
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server
from tests.unit.carry.scripted import UP, ScriptedCloud, seen

SMALL, LARGE = make_flavor('small', 2), make_flavor('large', 4)
WANT = ('keep-room', '--want=large=2')
EXECUTE = ('--execute', '--yes')
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


class World:
    """A cloud, its API and a clock, round by round.

    Two servers keep two large ones from having room; there is room for both
    on a third host.
    """

    def __init__(self):
        self.api = ScriptedCloud()
        self.at = {'web': 'one', 'db': 'two'}
        for name, host in self.at.items():
            shape = Shape('small', SMALL.vcpus, SMALL.memory_mb, {})
            self.api.servers[name] = seen(host, shape=shape)
        for name in ('one', 'two', 'free'):
            self.api.services[name] = UP
        self.now = NOON
        self.stopping = None
        self.before_round = {}
        self.is_away = False
        self.rounds = 0
        self.most = 1

    def rest(self, *_):
        """Have a round be over, which may be the last."""
        self.rounds += 1
        if self.rounds == self.most:
            self.stopping.signal = 15
        self.is_away = False
        do = self.before_round.get(self.rounds + 1)
        if do:
            do()

    def go_away(self):
        """Have the database be away in the next round."""
        self.is_away = True

    def fleet(self, parsed_args):
        """Give the cloud as it is."""
        if self.is_away:
            raise SourceError('the database is away')
        at = {name: each.host for name, each in self.api.servers.items()}
        servers = [
            make_server(
                name,
                SMALL,
                host,
                uuid=name,
                seats=(Seat(0, mask(*self._cpus(name, host))),),
                locked=self.api.servers[name].locked,
            )
            for name, host in at.items()
        ]
        hosts = [
            make_fleet_host(
                host,
                make_cell(
                    cpus=4,
                    pinned=[
                        cpu
                        for name, where in at.items()
                        if where == host
                        for cpu in self._cpus(name, host)
                    ],
                ),
            )
            for host in ('one', 'two', 'free')
        ]
        return Fleet(tuple(hosts), tuple(servers), (SMALL, LARGE))

    def _cpus(self, name, host):
        return (2, 3) if host == 'free' and name == 'db' else (0, 1)


@pytest.fixture
def world(monkeypatch):
    world = World()

    class Stopping(carrying.Stopping):
        def __init__(self):
            super().__init__()
            world.stopping = self

        def why(self):
            # The last round is whole: only the next one does not begin.
            return None

    monkeypatch.setattr(carrying, 'Stopping', Stopping)
    monkeypatch.setattr(carrying, 'PATIENCE', Patience(0.0, 0.0, 0.0))
    monkeypatch.setattr(source, 'fleet', world.fleet)
    monkeypatch.setattr(compute_api, 'connect', lambda name: world.api)
    monkeypatch.setattr(watching, 'now', lambda: world.now)
    monkeypatch.setattr(watching.Rounds, '_rest', world.rest)
    return world


@pytest.fixture
def watch(run, tmp_path, world):
    """Watch for some rounds; gives status, lines that are told, and errors."""

    def watch(*arguments, rounds=1, journal=None):
        world.rounds, world.most = 0, rounds
        path = str(tmp_path / 'journal')
        where = []
        if '--execute' in arguments or journal:
            where = [journal or '--journal', path]
        status, out, err = run(*WANT, '--watch=60', *arguments, *where)
        assert out == ''
        return status, err

    return watch


def starts(tmp_path):
    lines = map(json.loads, (tmp_path / 'journal').read_text().splitlines())
    return [line['server'] for line in lines if line['event'] == 'start']


def test_without_execute_nothing_is_moved(watch, world):
    status, told = watch()
    assert status == 143
    assert '2026-11-22 12:00:00 flavor large: room for 1 of 2' in told
    assert world.api.asked == []


def test_what_has_not_changed_is_told_once(watch, world):
    def make_room():
        for name in world.at:
            world.api.change(name, host='free')

    world.before_round[3] = make_room
    _, told = watch(rounds=4)
    assert told.count('flavor large: room for 1 of 2') == 1
    assert told.count('flavor large: room for 2 of 2') == 1


def test_what_is_missing_is_restored(watch, world, tmp_path):
    status, told = watch(*EXECUTE, rounds=2)
    assert status == 143
    assert len(starts(tmp_path)) == 1
    assert 'flavor large: room for 2 of 2' in told


def test_a_budget_holds_migrations_back(watch, world, tmp_path):
    moved_back(world, 2)
    _, told = watch(*EXECUTE, '--hourly=1', rounds=3)
    assert len(starts(tmp_path)) == 1
    assert (
        'Not now: no more migrations may begin in this hour: 1 of 1.' in told
    )


def moved_back(world, number):
    """Have servers be where they were before a round begins."""

    def back():
        for name, host in world.at.items():
            world.api.change(name, host=host)

    world.before_round[number] = back


def test_an_hour_later_it_goes_on(watch, world, tmp_path):
    moved_back(world, 2)
    world.before_round[3] = lambda: setattr(
        world, 'now', NOON + datetime.timedelta(hours=1)
    )
    watch(*EXECUTE, '--hourly=1', rounds=3)
    assert len(starts(tmp_path)) == 2


def test_at_quiet_hours_nothing_is_moved(watch, world, tmp_path):
    _, told = watch(*EXECUTE, '--quiet-hours=08:00-18:00')
    assert starts(tmp_path) == []
    assert 'Not now: nothing is moved at 08:00-18:00.' in told


def test_who_refuses_a_server_is_not_asked_again_within_the_hour(watch, world):
    for name in world.at:
        world.api.scripts[name] = ['fails']
    watch(*EXECUTE, rounds=3)
    pairs = world.api.asked
    assert len(pairs) >= 2
    assert len(set(pairs[:2])) == 2


def test_a_round_that_fails_is_followed_by_the_next(watch, world, tmp_path):
    world.before_round[2] = world.go_away
    moved_back(world, 3)
    status, told = watch(*EXECUTE, rounds=3)
    assert status == 143
    assert 'the database is away' in told
    assert len(starts(tmp_path)) == 2


def test_a_first_round_that_fails_ends_it(watch, world):
    world.go_away()
    status, told = watch(rounds=2)
    assert (status, told) == (1, 'the database is away\n')


def test_what_a_round_leaves_under_way_is_settled_before_anything_else(
    watch, world, tmp_path
):
    api, migrate = world.api, world.api.migrate

    def fall_silent(task):
        migrate(task)
        api.silent = True

    api.migrate = fall_silent
    world.before_round[3] = lambda: setattr(api, 'silent', False)
    _, told = watch(*EXECUTE, rounds=4)
    assert told.count('the cloud does not answer') == 2
    assert told.count('done: ') == 1
    assert 'refused: ' not in told
    assert len(starts(tmp_path)) == 1


def test_who_goes_on_counts_what_has_begun_within_the_hour(
    watch, world, tmp_path
):
    moved_back(world, 2)
    watch(*EXECUTE, '--hourly=1')
    world.now = datetime.datetime.now().astimezone()
    _, told = watch('--yes', '--hourly=1', rounds=1, journal='--resume')
    assert 'Not now: no more migrations may begin' in told
    assert len(starts(tmp_path)) == 1


@pytest.mark.parametrize(
    'arguments',
    [
        ('--hourly=1',),
        ('--hourly-memory=1',),
        ('--hourly-per-host=1',),
        ('--quiet-hours=08:00-09:00',),
        ('--watch=60', '--execute'),
        ('--watch=60', '--snapshot=x'),
        ('--watch=60', '--svg=x'),
        ('--watch=60', '--execute', '--yes', '--replans=1'),
        ('--watch=60', '-f=json'),
        ('--watch=60', '--commands'),
        ('--watch=0',),
        ('--watch=60', '--quiet-hours=8-9'),
        ('--watch=60', '--quiet-hours=08:00-25:00'),
    ],
    ids=' '.join,
)
def test_options_that_do_not_go_together_are_wrong_usage(run, arguments):
    status, out, _ = run(*WANT, *arguments)
    assert (status, out) == (2, '')


@pytest.mark.parametrize(
    'hours', ['8-9', '08:00', '08:00-25:00', '1:00-2:00-3:00']
)
def test_it_is_told_how_hours_are_written(run, hours):
    _, _, err = run(*WANT, '--watch=60', f'--quiet-hours={hours}')
    assert f'{hours}: HH:MM-HH:MM is wanted' in err
