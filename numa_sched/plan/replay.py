"""A fleet after a plan."""

from collections.abc import Iterable

from numa_sched.fleet import Fleet
from numa_sched.plan.state import Cloud
from numa_sched.plan.values import DEFAULT_TERMS, Step, Terms


def after(
    fleet: Fleet, steps: Iterable[Step], terms: Terms = DEFAULT_TERMS
) -> Fleet:
    """Give a fleet once steps have been done, one after the other.

    :param terms: those that the plan was made by
    :raises ValueError: if one of them cannot be done
    """
    cloud = Cloud(fleet, terms)
    servers = {
        server.uuid: number for number, server in enumerate(fleet.servers)
    }
    state = cloud.start
    for step in steps:
        number = servers[step.server.uuid]
        place = next(
            (
                each
                for each in state.places(number)
                if fleet.hosts[each.host].name == step.destination
            ),
            None,
        )
        if place is None:
            raise ValueError(f'{step.server.name} has no place there')
        state = state.moved(number, place)
    return state.fleet()
