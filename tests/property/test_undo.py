"""Planner and scheduler do not undo each other, over many rounds.

Servers come and go, each where the ranking puts it, and between them room is
kept for others. What is wanted stays the same all the time, and the scheduler
has learned that it is. Where it has learned that others count more, it may
give the room to them.
"""

import dataclasses
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from numa_sched.answers import explain, of_flavor, rank
from numa_sched.answers.rank import mix_of_servers
from numa_sched.fleet import Fleet
from numa_sched.plan import (
    Outcome,
    Terms,
    after,
    drain,
    keep_room,
    make_room,
)
from numa_sched.score.fragmentation import Fragmentation
from tests.amount import examples
from tests.fleets import make_flavor, make_fleet_host, make_server
from tests.property import all_plans

ROUNDS = 6
TERMS = Terms(seconds=0.5)
FLAVORS = [
    *(make_flavor(f'pinned.{cpus}', cpus) for cpus in (1, 2, 4)),
    make_flavor('two.cells', 2, 2),
]
# Of the flavor that room is kept for, in what the cloud is asked for.
SHARE = 0.9


class Life:
    """A fleet, and a flavor that room is kept for."""

    def __init__(self, draw):
        """Fill hosts by chance, so that room is in pieces."""
        self._draw, self._names = draw, itertools.count()
        widths = st.sampled_from((6, 8))
        self.fleet = Fleet(
            tuple(
                make_fleet_host(
                    name, draw(widths), draw(widths), inventories={}
                )
                for name in ('a', 'b', 'c')[: draw(st.integers(2, 3))]
            ),
            (),
            packing=draw(st.booleans()),
        )
        self.wanted = of_flavor(make_flavor('wanted', 6))
        for _ in range(draw(st.integers(3, 14))):
            flavor = draw(st.sampled_from(FLAVORS))
            passing = explain(self.fleet, of_flavor(flavor)).passing
            if passing:
                self.arrive(flavor, draw(st.sampled_from(passing)))

    def arrive(self, flavor, verdict):
        """Have a new server be on a host that passes."""
        host, claim = verdict.host, verdict.claim
        server = make_server(
            f'server-{next(self._names)}',
            flavor,
            host.name,
            seats=all_plans.seats_of(claim),
        )
        self.fleet = dataclasses.replace(
            all_plans.with_host(
                self.fleet, all_plans.arrived(verdict, of_flavor(flavor))
            ),
            servers=(*self.fleet.servers, server),
        )

    def leave(self, server):
        """Have a server be gone."""
        (host,) = (x for x in self.fleet.hosts if x.name == server.host)
        self.fleet = dataclasses.replace(
            all_plans.with_host(self.fleet, all_plans.left(host, server)),
            servers=tuple(x for x in self.fleet.servers if x is not server),
        )

    def replace_one(self):
        """Have a server go and one like it come, where the ranking puts it.

        Give whether there was a host on which the room wanted is left.
        """
        server = self._draw(st.sampled_from(self.fleet.servers))
        self.leave(server)
        found = explain(self.fleet, of_flavor(server.flavor))
        can_be_kept = any(
            self.has_room(
                all_plans.with_host(
                    self.fleet, all_plans.arrived(each, found.request)
                )
            )
            for each in found.passing
        )
        (first, *_) = rank(self.fleet, found, self.strategy())
        (verdict,) = (x for x in found.passing if x.host is first.host)
        self.arrive(server.flavor, verdict)
        return can_be_kept

    def strategy(self):
        """Give the ranking of a scheduler that has seen all of them."""
        known = mix_of_servers(self.fleet)
        return Fragmentation(
            (
                *((guest, part * (1 - SHARE)) for guest, part in known),
                (self.wanted.guest, SHARE),
            )
        )

    def has_room(self, fleet):
        return bool(explain(fleet, self.wanted).passing)

    def keep(self):
        """Have room be made where there is none; give the steps."""
        found = keep_room(self.fleet, [(self.wanted, 1)], TERMS)
        self.fleet = after(self.fleet, found.steps)
        return found.steps


@settings(max_examples=examples(60))
@given(st.data())
def test_room_that_has_been_made_is_not_lost_where_a_host_would_spare_it(data):
    life = Life(data.draw)
    life.keep()
    for _ in range(ROUNDS):
        if not life.fleet.servers:
            return
        had_room = life.has_room(life.fleet)
        could_be_kept = life.replace_one()
        if had_room and could_be_kept:
            assert life.has_room(life.fleet)
            assert life.keep() == ()
        else:
            life.keep()


@settings(max_examples=examples(60))
@given(st.data())
def test_no_server_is_moved_back_where_room_could_have_been_kept(data):
    """From A to B and to A again, but for rounds that nobody could spare."""
    life, moved = Life(data.draw), {}
    for _ in range(ROUNDS):
        # A plan may have a server step aside and come back.
        hosts = {each.uuid: each.host for each in life.fleet.servers}
        life.keep()
        for server in life.fleet.servers:
            before = hosts[server.uuid]
            if server.host != before:
                assert moved.get(server.uuid) != (server.host, before)
                moved[server.uuid] = before, server.host
        if not life.fleet.servers:
            return
        if not life.replace_one():
            # Room is lost whatever is done: all that is known is old.
            moved.clear()


@settings(max_examples=examples(60))
@given(st.data())
def test_what_has_been_carried_out_is_not_planned_again(data):
    life = Life(data.draw)
    fleet, wanted = life.fleet, life.wanted
    kept = keep_room(fleet, [(wanted, 1)], TERMS)
    if kept.outcome is Outcome.FOUND:
        then = after(fleet, kept.steps)
        assert keep_room(then, [(wanted, 1)], TERMS).outcome is Outcome.THERE
    made = make_room(fleet, wanted, 1, TERMS)
    if made.outcome is Outcome.FOUND:
        then = after(fleet, made.steps)
        assert make_room(then, wanted, 1, TERMS).outcome is Outcome.THERE
    strategy = life.strategy()
    emptied = drain(fleet, fleet.hosts[:1], strategy, TERMS)
    then = after(fleet, emptied.steps)
    if emptied.proven:
        assert drain(then, then.hosts[:1], strategy, TERMS).steps == ()
