"""How many scheduler workers are alive, by the services table."""

import threading

import pytest
from nova import context
from nova.db.main import api as db
from nova.tests import fixtures as nova_fixtures
from oslo_utils import timeutils

from numa_sched.nova.scheduler import workers
from numa_sched.nova.scheduler.workers import REFRESH_S, Workers


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def made(now, option):
    """Count workers, two a host."""
    option('workers', 2, 'scheduler')
    return Workers(lambda: now[0])


def wait():
    for thread in threading.enumerate():
        if thread.name == 'numa_sched workers':
            thread.join(10)


@pytest.fixture
def alive(monkeypatch):
    """How many hosts are found, or what is raised."""
    found = [3]

    def hosts_alive():
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    monkeypatch.setattr(workers, '_hosts_alive', hosts_alive)
    return found


def test_the_option_says_how_many_there_are(made, alive, option):
    option('scheduler_workers', 7)
    assert made.count() == 7


def test_workers_are_those_of_all_hosts_that_are_alive(made, alive):
    made.count()
    wait()
    assert made.count() == 6


def test_workers_of_a_host_are_as_many_as_nova_starts(made, alive, option):
    option('workers', None, 'scheduler')
    made.count()
    wait()
    each, rest = divmod(made.count(), 3)
    assert (each > 0, rest) == (True, 0)


def test_no_request_waits_for_the_database(made, monkeypatch):
    go_on = threading.Event()

    def hosts_alive():
        go_on.wait(10)
        return 5

    monkeypatch.setattr(workers, '_hosts_alive', hosts_alive)
    assert made.count() == 2
    go_on.set()
    wait()
    assert made.count() == 10


def test_hosts_are_looked_up_once_in_a_while(made, alive, now):
    made.count()
    wait()
    alive[0] = 1
    now[0] = REFRESH_S - 1.0
    made.count()
    wait()
    assert made.count() == 6
    now[0] = REFRESH_S
    made.count()
    wait()
    assert made.count() == 2


def test_what_was_learned_stays_if_the_database_does_not_answer(
    made, alive, now
):
    made.count()
    wait()
    alive[0] = RuntimeError('the database is away')
    now[0] = REFRESH_S
    made.count()
    wait()
    assert made.count() == 6


def test_there_is_at_least_this_one(made, alive):
    alive[0] = 0
    made.count()
    wait()
    assert made.count() == 2


class TestServices:
    """Against Nova's own table of services."""

    @pytest.fixture(autouse=True)
    def _database(self, option):
        # Before 2026.2 the fixture takes it from there.
        option('connection', 'sqlite://', 'database')
        fixture = nova_fixtures.Database()
        fixture.setUp()
        yield
        fixture.cleanUp()

    def add(self, host, binary='nova-scheduler', **fields):
        values = {
            'host': host,
            'binary': binary,
            'topic': binary,
            'report_count': 1,
            'last_seen_up': timeutils.utcnow(),
            **fields,
        }
        db.service_create(context.get_admin_context(), values)

    def test_hosts_whose_scheduler_is_alive_count(self):
        self.add('one')
        self.add('two')
        self.add('down', last_seen_up=timeutils.utcnow().replace(year=2020))
        self.add('one', binary='nova-conductor')
        assert workers._hosts_alive() == 2
