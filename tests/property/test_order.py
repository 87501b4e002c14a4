"""The order of hosts is Nova's, and so is what would change it."""

import dataclasses
import re
import types

from hypothesis import given, settings
from hypothesis import strategies as st
from nova.scheduler.weights import BaseHostWeigher, HostWeightHandler

from numa_sched.answers import explain, of_flavor, overtakings, rank
from numa_sched.answers.rank import multipliers
from numa_sched.fleet import Aggregate, Fleet, Ranking, Weighed, Weigher
from numa_sched.score import Strategy
from tests.amount import examples
from tests.fleets import make_flavor, make_fleet_host

OURS = 'NUMAFitWeigher'
WANTED = of_flavor(make_flavor('f', 1))
CHANGE = re.compile(
    r'with \[numa_sched\] fit_weight_multiplier = (?P<low>\S+)'
    r'(?: to (?P<high>\S+)| or (?P<way>more|less))?'
    r'|if (?P<without>\w+) did not count'
    r'|with (?P<strategy>other)'
    r'|but for this: its service is (?P<down>down)'
)


class ByCPUs(Strategy):
    """Scores hosts as they are told, by how many CPUs they have."""

    def __init__(self, scores):
        self.scores_of = scores

    def score(self, host, guest, claim):
        return self.scores_of[host.layout.cells[0].dedicated.bit_count()]


numbers = st.sampled_from((0.0, 1.0, 2.5, 7.0, 512.0)) | st.floats(-1e4, 1e4)
factors = st.sampled_from((1.0, 1.0, -1.0, 0.5, 0.0))
scores = st.lists(
    st.sampled_from((0.0, 0.5, 0.9, 1.0)) | st.floats(0, 1),
    min_size=8,
    max_size=8,
)


@st.composite
def fleets(draw):
    """Give a cloud whose weighers have ends and multipliers of their own."""
    weighers = [
        Weigher(
            f'W{number}',
            draw(st.sampled_from((None, 0.0))),
            draw(st.sampled_from((None, None, 1000.0))),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    weighers.insert(
        draw(st.integers(0, len(weighers))), Weigher(OURS, 0.0, 1.0)
    )
    hosts = tuple(
        make_fleet_host(
            f'host{number}',
            number + 1,
            up=draw(st.sampled_from((True, True, True, False))),
            weighed={
                each.name: Weighed(draw(numbers), draw(factors))
                for each in weighers
                if each.name != OURS
            },
        )
        for number in range(draw(st.integers(1, 5)))
    )
    members = draw(st.sets(st.sampled_from([each.name for each in hosts])))
    own = {'fit_weight_multiplier': draw(st.sampled_from(('2', '-3', 'x')))}
    return Fleet(
        hosts,
        aggregates=(Aggregate('uuid', 'a', frozenset(members), own),),
        ranking=Ranking(
            'own',
            draw(st.sampled_from((10.0, 1.0, 0.0, -2.0))),
            weighers=tuple(weighers),
        ),
    )


def by_nova(fleet, places):
    """Give the weights that Nova's own handler makes of hosts, by name."""
    ours = {place.host.name: place.weight for place in places}
    told = multipliers(fleet)

    def weigher(known):
        class Told(BaseHostWeigher):
            minval, maxval = known.least, known.most

            def _weigh_object(self, state, request):
                if known.name == OURS:
                    return ours[state.host]
                return state.weighed[known.name].raw

            def weight_multiplier(self, state):
                if known.name == OURS:
                    return told.get(state.host, fleet.ranking.multiplier)
                return state.weighed[known.name].multiplier

        return Told()

    states = [
        types.SimpleNamespace(
            host=each.host.name, nodename='', weighed=each.host.weighed
        )
        for each in places
    ]
    weighed = HostWeightHandler().get_weighed_objects(
        [weigher(each) for each in fleet.ranking.weighers], states, None
    )
    return {each.obj.host: each.weight for each in weighed}


def clamped(fleet):
    """Give a cloud whose numbers are as Nova's weighers give them."""

    def within(weigher, weighed):
        raw = weighed.raw
        if weigher.least is not None:
            raw = max(raw, weigher.least)
        if weigher.most is not None:
            raw = min(raw, weigher.most)
        return dataclasses.replace(weighed, raw=raw)

    ends = {each.name: each for each in fleet.ranking.weighers}
    return dataclasses.replace(
        fleet,
        hosts=tuple(
            dataclasses.replace(
                host,
                weighed={
                    name: within(ends[name], each)
                    for name, each in host.weighed.items()
                },
            )
            for host in fleet.hosts
        ),
    )


def first(fleet, strategy):
    """Give the hosts that Nova would sort first; several if equal."""
    places = rank(fleet, explain(fleet, WANTED), strategy)
    totals = by_nova(fleet, places)
    if len(totals) == 1:
        return set(totals)
    most = max(totals.values())
    return {name for name, total in totals.items() if total == most}


@settings(max_examples=examples(300))
@given(fleets(), scores)
def test_the_weights_are_those_of_nova(fleet, scores):
    fleet = clamped(fleet)
    places = rank(fleet, explain(fleet, WANTED), ByCPUs(scores))
    if len(places) > 1:
        assert {each.host.name: each.total for each in places} == by_nova(
            fleet, places
        )
    assert [each.total for each in places] == sorted(
        (each.total for each in places), reverse=True
    )


def with_multiplier(fleet, value):
    ranking = dataclasses.replace(fleet.ranking, multiplier=value)
    return dataclasses.replace(fleet, ranking=ranking)


def after(fleet, turn, strategy, other):
    """Give clouds with a change made, each with the strategy then."""
    told = CHANGE.fullmatch(turn.what)
    if told['low']:
        low = float(told['low'])
        ends = {'more': 1e6, 'less': -1e6, None: told['high'] or low}
        high = float(ends[told['way']])
        for share in (0.0, 0.1, 0.5, 0.9, 1.0):
            value = low + share * (high - low)
            yield with_multiplier(fleet, value), strategy
    elif told['without']:
        weighers = tuple(
            each
            for each in fleet.ranking.weighers
            if each.name != told['without']
        )
        ranking = dataclasses.replace(fleet.ranking, weighers=weighers)
        yield dataclasses.replace(fleet, ranking=ranking), strategy
    elif told['strategy']:
        yield fleet, other
    else:
        assert told['down']
        hosts = tuple(
            dataclasses.replace(each, up=True)
            if each.name in turn.hosts
            else each
            for each in fleet.hosts
        )
        yield dataclasses.replace(fleet, hosts=hosts), strategy


@settings(max_examples=examples(500))
@given(fleets(), scores, scores)
def test_what_is_told_to_change_the_order_does(fleet, scores, others):
    fleet = clamped(fleet)
    strategy, other = ByCPUs(scores), ByCPUs(others)
    found = overtakings(
        fleet, explain(fleet, WANTED), strategy, {'with other': other}
    )
    if found:
        now = first(fleet, strategy)
    for turn in found:
        for changed, by in after(fleet, turn, strategy, other):
            then = first(changed, by)
            assert then == set(turn.hosts), turn
            assert not then & now, turn
