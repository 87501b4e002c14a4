import pytest

from numa_sched import fit
from numa_sched.exceptions import ConfigError
from numa_sched.score.combined import Combined, parse
from numa_sched.score.headroom import Headroom
from numa_sched.score.pack import Pack
from numa_sched.score.spread import Spread
from tests.builders import make_guest, make_host

CLAIMS = [fit.fit(make_host(cpus), make_guest(2)) for cpus in (2, 4, 8)]
GUEST = CLAIMS[0].guest


def test_the_score_is_the_mean_by_weight():
    combined = Combined([(Pack(), 3.0), (Spread(), 1.0)])
    assert combined.scores(GUEST, CLAIMS) == [0.75, 0.5, 0.375]


def test_scores_of_many_claims_are_those_of_each():
    combined = Combined([(Pack(), 0.2), (Headroom(), 0.7)])
    assert combined.scores(GUEST, CLAIMS) == [
        combined.score(claim.host, GUEST, claim) for claim in CLAIMS
    ]


def test_no_claims_have_no_scores():
    assert Combined([(Pack(), 1.0)]).scores(GUEST, []) == []


OPTIONS = {
    'pack': {'pack': 1.0},
    'fragmentation:1,locality:0.2': {'fragmentation': 1.0, 'locality': 0.2},
    ' pack : 2 , spread ': {'pack': 2.0, 'spread': 1.0},
}


@pytest.mark.parametrize(('option', 'expected'), OPTIONS.items())
def test_an_option_names_strategies_with_weights(option, expected):
    assert parse(option) == expected


@pytest.mark.parametrize('weight', [0.001, 1, 1000])
def test_weights_go_from_a_thousandth_to_a_thousand(weight):
    assert parse(f'pack:{weight},spread') == {'pack': weight, 'spread': 1.0}


WRONG = {
    'pack:0.0009': 'a weight of 0.0009 is not from 0.001 to 1000',
    'pack:1000.1': 'a weight of 1000.1 is not from 0.001 to 1000',
    'pack:much': 'much',
    'pack:0': 'a weight of 0',
    'pack:-1': 'a weight of -1',
    'pack:inf': 'a weight of inf',
    'pack:nan': 'a weight of nan',
    'pack:1e10': 'a weight of 1e10 is not from 0.001 to 1000',
    'pack:1e308,spread:1e308': 'a weight of 1e308',
    'pack:1e-320': 'a weight of 1e-320',
    'pack:': 'a weight of nothing',
    'pack: ,spread:1': 'a weight of nothing',
    'pack:1:2': "'1:2'",
    'pack,pack': 'named once',
    '': 'named once',
    'pack,': 'named once',
    ':3': 'named once',
}


@pytest.mark.parametrize(('option', 'what'), WRONG.items())
def test_an_option_that_is_wrong_is_an_error_that_says_what(option, what):
    with pytest.raises(ConfigError, match='fit_strategy') as raised:
        parse(option)
    assert what in str(raised.value)
