import pytest

from numa_sched import rank

HOSTS = [f'host{number}' for number in range(200)]


def weights(*scores, server='server', share_out=0.9, crowd=None, full=()):
    """Give weights; all hosts are as crowded as each other."""
    return rank.weights(
        scores,
        HOSTS[: len(scores)],
        server,
        share_out,
        None if crowd is None else [crowd] * len(scores),
        full,
    )


def order(weighed):
    return sorted(range(len(weighed)), key=lambda index: -weighed[index])


@pytest.mark.parametrize('crowd', [None, 0.0, 0.1, 1.0])
def test_the_first_host_gets_all(crowd):
    for server in HOSTS:
        weighed = weights(0.3, 0.2, server=server, crowd=crowd)
        assert max(weighed) == 1.0


def test_a_host_with_nine_tenths_of_the_best_score_is_far_behind():
    assert weights(1.0, 0.9)[1] < 0.45


@pytest.mark.parametrize('crowd', [None, 0.0])
def test_where_nobody_else_is_under_way_weights_follow_the_scores(crowd):
    for server in HOSTS:
        weighed = weights(0.5, 1.0, 0.5, server=server, crowd=crowd)
        assert weighed == [0.5**8, 1.0, 0.5**8]


def test_without_sharing_out_weights_follow_the_scores_alone():
    weighed = weights(0.5, 1.0, 0.5, share_out=0.0, crowd=1.0)
    assert weighed == [0.5**8, 1.0, 0.5**8]


def test_without_a_word_about_it_nothing_is_shared_out():
    weighed = rank.weights([0.5, 1.0], HOSTS[:2], 'server', crowds=[1.0, 1.0])
    assert weighed == [0.5**8, 1.0]


def test_the_best_is_the_measure_of_how_near_the_others_are():
    assert rank.closeness([0.5, 0.25, 0.0]) == [1.0, 0.5**8, 0.0]
    assert rank.closeness([0.0, 0.0]) == [0.0, 0.0]
    assert rank.closeness([-0.5, -1.0]) == [0.0, 0.0]
    assert rank.closeness([]) == []


def test_weights_depend_on_the_distance_to_the_best_and_not_on_its_score():
    assert weights(0.9, 0.3) == pytest.approx(weights(0.3, 0.1))


def test_the_order_of_scores_is_kept_unless_they_are_nearly_equal():
    scores = [0.5**number for number in range(20)]
    for server in HOSTS:
        weighed = weights(*scores, server=server, crowd=1.0)
        assert order(weighed) == list(range(20))


def test_nearly_equal_hosts_change_places_for_some_servers():
    first = {
        order(weights(1.0, 0.99, server=name, crowd=1.0))[0] for name in HOSTS
    }
    assert first == {0, 1}


@pytest.mark.parametrize('hosts', [3, 10, 64])
def test_servers_are_shared_out_evenly_among_equal_hosts(hosts):
    """However little the names of hosts differ; some 50 for each of them."""
    counts = [0] * hosts
    for number in range(50 * hosts):
        weighed = weights(*[1.0] * hosts, server=f'server{number}', crowd=1.0)
        counts[order(weighed)[0]] += 1
    assert min(counts) > 25
    assert max(counts) < 85


def test_a_server_sees_the_same_weights_again():
    scores = [0.5] * 50
    assert weights(*scores, crowd=1.0) == weights(*scores, crowd=1.0)


def test_another_server_sees_other_weights():
    scores = [0.5] * 50
    one, other = (
        order(weights(*scores, server=name, crowd=1.0)) for name in 'ab'
    )
    assert one != other


@pytest.mark.parametrize(
    ('crowd', 'lost'), [(0.05, 0.1), (0.25, 0.5), (1.0, 0.5)]
)
def test_hosts_lose_more_the_likelier_it_is_that_others_fill_them(crowd, lost):
    weighed = weights(*[1.0] * 200, share_out=0.5, crowd=crowd)
    assert 1.0 - lost <= min(weighed) < 1.0 - 0.95 * lost
    mean = sum(weighed) / len(weighed)
    assert mean == pytest.approx(1.0 - lost / 2, abs=0.05)


def test_only_hosts_that_others_may_fill_lose_anything():
    for server in HOSTS:
        weighed = rank.weights([1.0, 1.0], HOSTS[:2], server, 0.9, [0.5, 0.0])
        assert weighed[1] == 1.0
        assert weighed[0] < 1.0


def test_hosts_that_are_likely_to_be_full_stand_behind_in_their_order():
    weighed = weights(1.0, 0.9, 0.8, 0.7, full={0, 1})
    assert order(weighed) == [2, 3, 0, 1]


def test_among_hosts_that_are_all_full_scores_decide():
    assert order(weights(0.8, 1.0, full={0, 1})) == [1, 0]


def test_weights_are_between_0_and_1():
    weighed = weights(*(number / 199 for number in range(200)), crowd=0.1)
    assert min(weighed) >= 0.0
    assert max(weighed) <= 1.0


def test_a_score_of_0_has_no_weight():
    assert weights(0.5, 0.0)[1] == 0.0


def test_scores_of_0_alone_have_no_weights():
    assert weights(0.0, 0.0, crowd=1.0) == [0.0, 0.0]


def test_no_hosts_have_no_weights():
    assert weights() == []


def test_nobody_crowds_hosts_if_no_other_is_under_way():
    assert rank.crowds([1.0, 0.4], [1.0, 1.0], 0) == [0.0, 0.0]


def test_the_only_place_is_gone_if_any_other_comes():
    # No other comes with a chance of 1 / e.
    assert rank.crowds([1.0], [1.0], 1) == pytest.approx([1 - 0.36788], 1e-4)


def test_the_second_place_is_gone_if_two_others_come():
    found = rank.crowds([1.0], [2.0], 1)
    assert found == pytest.approx([1 - 2 * 0.36788], abs=1e-4)


def test_the_third_place_is_gone_if_three_others_come():
    found = rank.crowds([1.0], [3.0], 1)
    assert found == pytest.approx([1 - 2.5 * 0.36788], abs=1e-4)


def test_where_there_is_no_place_others_leave_none():
    assert rank.crowds([1.0, 1.0], [0.0, -1.0], 1) == [1.0, 1.0]
    assert rank.crowds([1.0], [0.0], 0) == [0.0]


def test_where_there_is_room_for_many_more_nobody_crowds():
    (crowd,) = rank.crowds([1.0], [30.0], 3)
    assert 0.0 <= crowd < 1e-9
    for others in range(1, 100):
        (crowd,) = rank.crowds([1.0], [1000.0], others)
        assert 0.0 <= crowd < 1e-9


def test_up_to_500_others_are_reckoned_with_one_by_one():
    (crowd,) = rank.crowds([1.0], [500.0], 500)
    assert crowd == pytest.approx(0.506, abs=1e-3)
    assert rank.crowds([1.0], [501.0], 501) == [1.0]


def test_others_go_where_it_is_best_too():
    best, behind = rank.crowds([1.0, 0.1], [1.0, 1.0], 1)
    assert best > 5 * behind > 0.0


def test_others_share_hosts_that_are_equally_good():
    one, *_ = rank.crowds([1.0] * 10, [1.0] * 10, 1)
    assert one == pytest.approx(1 - 0.904837, abs=1e-5)


@pytest.mark.parametrize(
    ('room', 'crowd'), [(1.0, 1.0), (99_999.0, 1.0), (1e9, 0.0)]
)
def test_more_others_than_an_exponent_may_have(room, crowd):
    assert rank.crowds([1.0], [room], 100_000) == [crowd]


def test_no_host_is_crowded_if_none_is_any_good():
    assert rank.crowds([0.0], [1.0], 5) == [0.0]
