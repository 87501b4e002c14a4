"""The tables of the benchmark of placements."""

from benchmarks import placement  # isort: skip  (Nova patches come first)

import dataclasses

import pytest


def result(seed=0, *, ranking='ours', drained=0, load=0.8, **counts):
    run = placement.Run(ranking, 'telco', 10, load, 100, drained, seed)
    return run, {
        'requests': 100,
        'refused': 0,
        'failed_claims': 0,
        'errors': 0,
        'cpus': 400,
        'refused_cpus': 0,
        **counts,
    }


def test_results_kept_before_there_were_options_are_still_known():
    run, _ = result()
    kept = dataclasses.asdict(run)
    for name in ('options', 'schedulers', 'refusing', 'within_s'):
        del kept[name]
    assert placement.Run(**kept) == run


def test_each_set_of_options_has_a_row():
    run, counts = result()
    others = (
        {'options': 'refusal_penalty=0'},
        {'refusing': 2},
        {'schedulers': 1},
        {'within_s': 600.0},
    )
    rows = placement.table(
        [
            (dataclasses.replace(run, **other), counts)
            for other in ({}, *others)
        ]
    )
    assert [row['ranking'] for row in rows] == [
        'ours',
        'ours, refusal_penalty=0',
        'ours, refusing=2',
        'ours, schedulers=1',
        'ours, within=600 s',
    ]


def test_an_interval_is_around_the_mean():
    mean, low, high = placement.interval([1.0, 2.0, 3.0, 6.0])
    assert mean == 3.0
    assert 1.0 <= low < 3.0 < high <= 6.0


def test_an_interval_of_equal_values_is_as_narrow_as_can_be():
    assert placement.interval([0.5] * 5) == (0.5, 0.5, 0.5)


def test_an_interval_gets_narrower_with_more_values():
    def width(values):
        _, low, high = placement.interval(values)
        return high - low

    assert width([0.0, 1.0] * 50) < width([0.0, 1.0] * 5)


def test_a_row_has_the_share_refused_of_all_seeds():
    (row,) = placement.table(
        [
            result(0, refused=10, refused_cpus=100),
            result(1, refused=20, refused_cpus=60),
        ]
    )
    assert row['mean'] == pytest.approx(0.15)
    assert row['low'] == 0.1
    assert row['high'] == 0.2
    assert row['refused_cpus'] == 0.2
    assert (row['requests'], row['refused'], row['seeds']) == (200, 30, 2)


def test_a_drain_has_attempts_beyond_the_first():
    (row,) = placement.table([result(drained=2, failed_claims=30)])
    assert row['kind'] == placement.DRAIN
    assert row['mean'] == pytest.approx(0.3)


def test_bursts_have_claims_failed_errors_and_what_is_left_over():
    run, counts = result(failed_claims=8, errors=1, left_cpus=20)
    other, more = result(1, failed_claims=4, errors=2, left_cpus=10)
    (row,) = placement.table(
        [
            (dataclasses.replace(run, burst=10), counts),
            (dataclasses.replace(other, burst=10), more),
        ]
    )
    assert row['kind'] == placement.BURSTS
    assert row['mean'] == pytest.approx(0.06)
    assert (row['failed'], row['errors'], row['left']) == (12, 3, 15)


def test_each_case_and_ranking_has_a_row():
    results = [
        result(seed, ranking=ranking, load=load, drained=drained)
        for seed in range(2)
        for ranking in ('ours', 'stock')
        for load in (0.7, 0.9)
        for drained in (0, 3)
    ]
    rows = placement.table(results)
    assert len(rows) == 8
    assert {row['seeds'] for row in rows} == {2}


def test_a_run_without_requests_for_cpus_refuses_none():
    (row,) = placement.table([result(cpus=0)])
    assert row['refused_cpus'] == 0.0
