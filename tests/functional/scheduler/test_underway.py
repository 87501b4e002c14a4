"""What a scheduler worker knows of its own choices, by Nova's host states."""

import datetime
import threading

import pytest
from nova.conf import CONF

from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.nova.scheduler.underway import WATCHED, Choices
from numa_sched.nova.scheduler.views import Views
from tests.builders import make_cell, make_host, mask
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture
def now():
    """The time, which tests may set."""
    return [0.0]


@pytest.fixture
def choices(now):
    return Choices(lambda: now[0])


def row(name='a', pinned=()):
    """Give a host state, as Nova makes it anew at each request."""
    return make_host_state(
        make_host(
            make_cell(cpus=8, pinned=pinned, pages=((4, 2**20),)), name=name
        ),
        updated=LONG_AGO,
    )


def request(cpus=2):
    return make_request(PINNED, vcpus=cpus)


class Asked:
    """One request, as the weigher looks at its hosts."""

    def __init__(self, choices, *states, cpus=2, request_spec=None):
        self.choices, self.states = choices, states
        self.spec = request_spec or request(cpus)
        assessment = Assessment(self.spec, views=Views())
        self.plain = assessment.views(states)
        self.expected = choices.expected(
            self.spec.instance_uuid, states, self.plain
        )
        self.claims = [
            assessment.verdict(state, view).claim
            for state, view in zip(states, self.expected.views, strict=True)
        ]

    def watch(self):
        self.choices.watch(
            self.spec.instance_uuid,
            list(zip(self.states, self.claims, strict=True)),
        )
        return self

    def choose(self, number=0):
        """Take a host, as the scheduler does."""
        self.watch()
        self.states[number].consume_from_request(self.spec)
        return self

    def pinned(self, number=0):
        (cell,) = self.expected.views[number].host.cells
        return cell.pinned


def test_nothing_is_under_way_at_first(choices):
    asked = Asked(choices, row())
    assert asked.expected.views == asked.plain
    assert choices.count() == 0


def test_a_host_is_seen_as_it_will_be_after_the_workers_own_choice(choices):
    Asked(choices, row()).choose()
    assert Asked(choices, row()).pinned() == mask(0, 1)
    assert choices.count() == 1


def test_choices_add_up(choices):
    for number in range(3):
        assert Asked(choices, row()).choose().pinned().bit_count() == (
            2 * number
        )


def test_the_host_that_nova_took_counts_whichever_came_first(choices):
    Asked(choices, row('a'), row('b')).choose(1)
    asked = Asked(choices, row('a'), row('b'))
    assert [asked.pinned(0), asked.pinned(1)] == [0, mask(0, 1)]


def test_a_request_without_a_choice_leaves_nothing(choices):
    """As in a dry run, or where placement lets no host be taken."""
    Asked(choices, row()).watch()
    for _ in range(3):
        assert Asked(choices, row()).watch().pinned() == 0
    assert choices.count() == 0


def test_hosts_that_a_failed_request_gives_back_were_not_chosen(choices):
    """``SchedulerManager._ensure_sufficient_hosts`` unsets their time."""
    asked = Asked(choices, row()).choose()
    asked.states[0].updated = None
    assert Asked(choices, row()).pinned() == 0


def test_what_has_arrived_is_not_counted_twice(choices):
    Asked(choices, row()).choose()
    asked = Asked(choices, row(pinned=(0, 1)))
    assert asked.expected.views == asked.plain
    assert choices.count() == 0


def test_what_others_have_claimed_meanwhile_comes_on_top(choices):
    Asked(choices, row(), cpus=4).choose()
    assert Asked(choices, row(pinned=(6, 7))).pinned() == mask(
        0, 1, 2, 3, 6, 7
    )


def test_what_was_chosen_long_ago_does_not_count(choices, now):
    Asked(choices, row()).choose()
    Asked(choices, row())
    now[0] = CONF.numa_sched.claim_seconds + 1.0
    assert Asked(choices, row()).pinned() == 0
    assert choices.count() == 0


def test_a_server_that_is_asked_for_again_is_not_under_way(choices):
    first = Asked(choices, row('a'), row('b')).choose()
    again = Asked(choices, row('a'), row('b'), request_spec=first.spec)
    assert again.pinned() == 0
    again.choose(1)
    after = Asked(choices, row('a'), row('b'))
    assert [after.pinned(0), after.pinned(1)] == [0, mask(0, 1)]


def test_servers_of_one_request_are_not_counted_twice(choices):
    """Nova takes each off the host state before it looks at the next."""
    states = row(), row('b')
    for number in range(3):
        asked = Asked(choices, *states)
        assert asked.pinned().bit_count() == 2 * number
        assert choices.count() == number
        asked.choose()
    assert Asked(choices, row(), row('b')).pinned().bit_count() == 6


def test_servers_of_one_request_come_on_top_of_those_before(choices):
    Asked(choices, row(), cpus=4).choose()
    states = (row(),)
    Asked(choices, *states).choose()
    assert Asked(choices, *states).pinned().bit_count() == 6


def test_what_another_thread_is_about_to_choose_counts(choices):
    def choose():
        Asked(choices, row('a'), row('b')).watch()

    thread = threading.Thread(target=choose)
    thread.start()
    thread.join()
    asked = Asked(choices, row('a'), row('b'))
    assert [asked.pinned(0), asked.pinned(1)] == [mask(0, 1), 0]


def test_a_thread_that_never_chooses_is_forgotten(choices, now):
    thread = threading.Thread(target=lambda: Asked(choices, row()).watch())
    thread.start()
    thread.join()
    now[0] = CONF.numa_sched.claim_seconds + 1.0
    assert Asked(choices, row()).pinned() == 0


def test_a_host_that_is_not_asked_for_stays_under_way(choices):
    Asked(choices, row('a')).choose()
    Asked(choices, row('b'))
    assert Asked(choices, row('a')).pinned() == mask(0, 1)


def test_a_host_without_a_topology_is_passed_over(choices):
    Asked(choices, row()).choose()
    bare = row()
    bare.numa_topology = None
    views = Assessment(request(), views=Views()).views([bare])
    assert choices.expected('server', [bare], views).views == views


def test_a_host_that_could_not_be_read_is_passed_over(choices):
    Asked(choices, row()).choose()
    assert choices.expected('server', [row()], [None]).views == [None]


def may_fail(asked, number=0):
    return asked.expected.may_fail(
        number, asked.plain[number], Assessment(asked.spec).guest
    )


def test_a_claim_may_fail_where_others_are_under_way(choices):
    Asked(choices, row(), cpus=6).choose()
    assert may_fail(Asked(choices, row(), cpus=4))
    assert not may_fail(Asked(choices, row(), cpus=2))


def test_a_claim_is_not_taken_to_fail_where_nothing_is_under_way(choices):
    assert not may_fail(Asked(choices, row(), cpus=8))


def test_nothing_is_watched_if_claims_take_no_time(choices):
    CONF.set_override('claim_seconds', 0.0, 'numa_sched')
    try:
        Asked(choices, row()).choose()
        assert Asked(choices, row()).pinned() == 0
    finally:
        CONF.clear_override('claim_seconds', 'numa_sched')


def test_several_hosts_are_watched():
    assert CONF.scheduler.max_attempts < WATCHED
