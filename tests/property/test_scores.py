"""All strategies, as their entry points name them, on any host and guest."""

import dataclasses
import importlib.metadata

from hypothesis import given
from hypothesis import strategies as st

from numa_sched import fit
from tests.builders import A_DEVICE, make_pools
from tests.property import strategies

STRATEGIES = {
    each.name: each.load()
    for each in importlib.metadata.entry_points(
        group='numa_sched.fit_strategies'
    )
}

mixes = st.lists(
    st.tuples(strategies.guests(), st.floats(0.01, 1.0)), max_size=3
)


def test_all_strategies_are_here():
    assert set(STRATEGIES) == {
        'fragmentation',
        'headroom',
        'locality',
        'pack',
        'spread',
    }


@given(strategies.claims(), mixes)
def test_scores_are_between_0_and_1(claim, mix):
    for name, make in STRATEGIES.items():
        strategy = make(mix)
        score = strategy.score(claim.host, claim.guest, claim)
        assert 0.0 <= score <= 1.0, name
        assert strategy.scores(claim.guest, [claim] * 2) == [score] * 2


@given(strategies.hosts_of_one_form(), strategies.guests(), mixes)
def test_many_hosts_at_once_score_what_each_scores(hosts, guest, mix):
    claims = [claim for host in hosts if (claim := fit.fit(host, guest))]
    strategy = STRATEGIES['fragmentation'](mix)
    assert strategy.scores(guest, claims) == [
        strategy.score(claim.host, guest, claim) for claim in claims
    ]


@given(strategies.claims(), st.data())
def test_scores_with_devices_are_between_0_and_1(claim, data):
    pools = data.draw(strategies.device_pools(claim.host))
    claim = dataclasses.replace(
        claim,
        host=dataclasses.replace(
            claim.host, pools=make_pools((cell, n) for cell, _, n in pools)
        ),
        guest=dataclasses.replace(claim.guest, devices=A_DEVICE),
    )
    for name, make in STRATEGIES.items():
        score = make(()).score(claim.host, claim.guest, claim)
        assert 0.0 <= score <= 1.0, name
