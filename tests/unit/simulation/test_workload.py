import statistics

import pytest

from benchmarks.simulation import Simulation, Timing
from benchmarks.simulation.workload import Bursts, Churn, Requests
from tests.unit.simulation.cloud import ONE, TWO, Slots

BOTH = Requests('both', (ONE, TWO), (3, 1))
ROOMY = {f'host{number}': 100 for number in range(10)}


def churn(load=0.5, hosts=ROOMY, requests=BOTH, seed=0, **fields):
    simulation = Simulation(Slots(hosts), seed=seed)
    return Churn(simulation, requests, sum(hosts.values()), load, **fields)


def cpus(simulation):
    return sum(server.shape.vcpus for server in simulation.servers.values())


def test_the_mean_of_cpus_goes_by_the_weights():
    assert BOTH.mean_cpus() == 1.25


def test_a_mean_lifetime_is_what_it_takes_for_the_load_to_arrive():
    # 500 CPUs are 400 servers, of which one comes every 15 seconds.
    assert churn(0.5, every_s=15.0).lifetime_s == 400 * 15.0


def test_a_cloud_is_filled_up_to_the_load():
    made = churn(0.5)
    made.fill()
    assert 500 <= cpus(made.simulation) <= 501


def test_shapes_come_as_often_as_their_weights_say():
    made = churn(0.9)
    made.fill()
    shapes = [server.shape for server in made.simulation.servers.values()]
    assert shapes.count(TWO) / len(shapes) == pytest.approx(0.25, abs=0.06)


def test_what_schedulers_cannot_place_is_not_asked_for_again():
    full = Slots(ROOMY, **dict.fromkeys(ROOMY, 0))
    simulation = Simulation(full)
    made = Churn(simulation, BOTH, 1000, 0.5)
    made.fill()
    assert simulation.servers == {}
    assert 500 <= simulation.creates.refused_cpus <= 501


def test_no_server_goes_while_a_cloud_is_filled():
    made = churn(0.9, every_s=1000.0)
    made.fill()
    assert made.simulation.creates.requests == len(made.simulation.servers)


@pytest.mark.parametrize('every_s', [0.01, 15.0])
def test_all_servers_go_in_the_end(every_s):
    made = churn(0.5, every_s=every_s)
    made.fill()
    made.run(50)
    made.simulation.run()
    assert made.simulation.servers == {}
    assert made.simulation.cloud.allocated == {}


def test_servers_that_were_refused_first_go_in_the_end_too():
    cloud = Slots({'a': 100, 'b': 100, 'c': 100}, a=0, b=0)
    made = Churn(Simulation(cloud), BOTH, 300, 0.3, every_s=0.01)
    made.fill()
    assert len(made.simulation.servers) > 0
    made.simulation.run()
    assert made.simulation.servers == {}


class Slow:
    """Gives up on requests that were refused, after an hour."""

    def __init__(self, simulation):
        self._simulation = simulation

    def refused(self, server):
        self._simulation.after(3600.0, self._simulation.give_up, server)

    def placed(self, server):
        pass


def test_a_cloud_is_full_once_nobody_waits_any_more():
    full = Slots(ROOMY, **dict.fromkeys(ROOMY, 0))
    simulation = Simulation(full)
    simulation.rescue = Slow(simulation)
    Churn(simulation, BOTH, 1000, 0.01).fill()
    assert simulation.creates.refused == len(simulation.asked) > 0
    assert simulation.waiting == {}


def test_of_all_requests_is_told_how_long_they_are_to_live():
    cloud = Slots({'a': 100, 'b': 100}, a=20, b=20)
    made = Churn(Simulation(cloud), BOTH, 200, 0.5)
    made.fill()
    made.run(20)
    asked = made.simulation.asked
    counts = made.simulation.creates
    assert counts.refused > 0
    assert len(asked) > 20
    assert all(each.lifetime_s > 0 for each in asked)


@pytest.mark.parametrize('load', [0.3, 0.6])
def test_the_load_is_kept(load):
    made = churn(load)
    made.fill()
    seen = []
    for _ in range(100):
        made.run(40)
        seen.append(cpus(made.simulation))
    assert statistics.fmean(seen) == pytest.approx(1000 * load, rel=0.06)


def test_servers_come_and_go_while_it_runs():
    made = churn(0.5)
    made.fill()
    before = set(made.simulation.servers)
    made.run(800)
    # Two mean lifetimes leave about an eighth.
    share = len(before & made.simulation.servers.keys()) / len(before)
    assert 0.05 < share < 0.25


def test_requests_come_as_often_as_was_asked_for():
    made = churn(0.5, every_s=20.0)
    made.fill()
    began = made.simulation.now
    made.run(2000)
    assert made.simulation.now - began == pytest.approx(2000 * 20.0, rel=0.1)


def test_a_run_counts_its_own_requests_only():
    made = churn(0.5)
    made.fill()
    first = made.run(100)
    second = made.run(100)
    assert first is not second
    for counts in (first, second):
        assert 95 <= counts.requests <= 105
        assert counts.refused == 0


def test_the_same_seed_gives_the_same():
    def counts(seed):
        made = churn(0.95, hosts={'a': 7, 'b': 9, 'c': 5}, seed=seed)
        made.fill()
        return made.run(300)

    assert counts(1) == counts(1)
    assert counts(1).refused > 0
    assert counts(1) != counts(2)


def test_filling_waits_for_claims_on_their_way():
    simulation = Simulation(Slots(ROOMY), timing=Timing(claim_s=10.0))
    made = Churn(simulation, BOTH, 1000, 0.1, every_s=0.01)
    made.fill()
    assert simulation.creates.requests == len(simulation.servers)
    assert 100 <= cpus(simulation) <= 101


def bursts(hosts=ROOMY, requests=BOTH, seed=0, **fields):
    simulation = Simulation(Slots(hosts), seed=seed)
    return Bursts(simulation, requests, sum(hosts.values()), **fields)


def test_bursts_ask_for_all_cpus():
    made = bursts()
    counts = made.run()
    assert counts.cpus == cpus(made.simulation) == 1000


def test_bursts_ask_for_no_more_than_there_is():
    counts = bursts({'a': 5}, Requests('two', (TWO,), (1,))).run()
    assert counts.cpus == 4


def test_servers_of_a_burst_come_together_and_bursts_apart(monkeypatch):
    made = bursts({'a': 40}, Requests('one', (ONE,), (1,)), every_s=60.0)
    came, create = [], made.simulation.create

    def note(shape):
        came.append(made.simulation.now)
        create(shape)

    monkeypatch.setattr(made.simulation, 'create', note)
    made.run()
    assert [len({int(at // 60) for at in came}), len(came)] == [4, 40]
    assert all(at % 60 <= 1.0 for at in came)


def test_bursts_end_once_nothing_is_under_way():
    made = bursts({'a': 5}, every_s=0.0)
    made.run()
    simulation = made.simulation
    assert len(simulation.cloud.claimed) == len(simulation.servers) > 0


def test_the_same_seed_gives_the_same_bursts():
    counts = [bursts({'a': 31, 'b': 7}, seed=seed).run() for seed in (1, 1, 2)]
    assert counts[0] == counts[1] != counts[2]
