import pytest

from numa_sched import rank

HOSTS = [f'host{number}' for number in range(200)]


def weights(*scores, server='server', share_out=0.3):
    return rank.weights(scores, HOSTS[: len(scores)], server, share_out)


def order(weighed):
    return sorted(range(len(weighed)), key=lambda index: -weighed[index])


@pytest.mark.parametrize('share_out', [0.0, 0.3, 1.0])
def test_the_first_host_gets_all(share_out):
    for server in HOSTS:
        weighed = weights(0.3, 0.2, server=server, share_out=share_out)
        assert max(weighed) == 1.0


def test_a_host_with_nine_tenths_of_the_best_score_is_far_behind():
    assert weights(1.0, 0.9, share_out=0.0)[1] < 0.45


def test_without_sharing_out_weights_follow_the_scores_alone():
    weighed = weights(0.5, 1.0, 0.5, share_out=0.0)
    assert weighed == [weighed[0], 1.0, weighed[0]]


def test_weights_depend_on_the_distance_to_the_best_and_not_on_its_score():
    assert weights(0.9, 0.3) == pytest.approx(weights(0.3, 0.1))


def test_the_order_of_scores_is_kept_unless_they_are_nearly_equal():
    scores = [0.9**number for number in range(20)]
    for server in HOSTS:
        assert order(weights(*scores, server=server)) == list(range(20))


def test_nearly_equal_hosts_change_places_for_some_servers():
    first = {order(weights(1.0, 0.99, server=name))[0] for name in HOSTS}
    assert first == {0, 1}


@pytest.mark.parametrize('hosts', [3, 10, 64])
def test_servers_are_shared_out_evenly_among_equal_hosts(hosts):
    """However little the names of hosts differ; some 50 for each of them."""
    counts = [0] * hosts
    for number in range(50 * hosts):
        best = order(weights(*[1.0] * hosts, server=f'server{number}'))[0]
        counts[best] += 1
    assert min(counts) > 25
    assert max(counts) < 85


def test_a_server_sees_the_same_weights_again():
    scores = [0.5] * 50
    assert weights(*scores) == weights(*scores)


def test_another_server_sees_other_weights():
    scores = [0.5] * 50
    one, other = (order(weights(*scores, server=name)) for name in 'ab')
    assert one != other


def test_equal_scores_are_spread_over_all_that_is_shared_out():
    weighed = weights(*[1.0] * 200, share_out=0.5)
    assert 0.5 <= min(weighed) < 0.55
    assert 0.7 < sum(weighed) / len(weighed) < 0.8


def test_weights_are_between_0_and_1():
    weighed = weights(*(number / 199 for number in range(200)))
    assert min(weighed) >= 0.0
    assert max(weighed) <= 1.0


def test_a_score_of_0_has_no_weight():
    assert weights(0.5, 0.0)[1] == 0.0


def test_scores_of_0_alone_have_no_weights():
    assert weights(0.0, 0.0) == [0.0, 0.0]


def test_no_hosts_have_no_weights():
    assert weights() == []
