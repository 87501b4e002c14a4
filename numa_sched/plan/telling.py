"""What people are told of a plan, in sentences."""

import collections
from collections.abc import Iterable, Iterator

from numa_sched.plan.drain import Drain
from numa_sched.plan.keep import KeptRoom
from numa_sched.plan.room import MadeRoom, Outcome
from numa_sched.plan.values import Stay, Terms, Waves

UNSURE = 'Whether fewer migrations would do is not known.'


def of_drain(found: Drain, terms: Terms) -> Iterator[str]:
    """Give what a plan that empties hosts comes to.

    :param terms: what it was held to
    """
    names = ', '.join(host.name for host in found.hosts)
    if not found.steps:
        yield f'{names}: nothing is to be moved.'
    else:
        yield f'{names}: {counted(found.waves)}.'
    if found.stays:
        yield f'{many(len(found.stays), "server")} cannot be moved.'
    if found.left:
        yield f'{many(len(found.left), "server")} would be left: ' + (
            'no plan exists that moves the servers of these hosts alone.'
            if found.proven
            else f'no plan for all was found in {terms.seconds:g} s.'
        )


def of_room(found: MadeRoom, terms: Terms) -> Iterator[str]:
    """Give what a plan that makes room comes to.

    :param terms: what it was held to
    """
    wanted = f'{many(found.count, "new server")} of {found.request.name}'
    hosts = named(found.hosts)
    if found.outcome is Outcome.THERE:
        yield f'{wanted}: there is room already, on {hosts}.'
    elif found.outcome is Outcome.FOUND:
        yield f'{wanted}: {counted(found.waves)}.'
        yield f'Then there is room on {hosts}.'
        if not found.fewest:
            yield UNSURE
    elif found.outcome is Outcome.NONE:
        yield f'{wanted}: no plan exists: {found.why}.'
    else:
        yield f'{wanted}: no plan {_in_vain(terms)}: {found.why}.'


def of_kept(found: KeptRoom, terms: Terms) -> Iterator[str]:
    """Give what a plan that keeps room comes to.

    :param terms: what it was held to
    """
    for each in found.targets:
        yield (
            f'flavor {each.request.flavor.name}: room for {each.now} of '
            f'{many(each.wanted, "server")}.'
        )
        if each.why:
            yield f'No plan makes room for so many: {each.why}.'
    if found.outcome is Outcome.NONE and not any(
        each.why for each in found.targets
    ):
        yield 'No plan exists that makes room for all of them.'
    if found.outcome is Outcome.NOT_FOUND:
        yield f'No plan for all {_in_vain(terms)}.'
    if found.steps:
        yield f'{counted(found.waves)}.'
        if not found.fewest:
            yield UNSURE
        for each in found.targets:
            if each.after != each.now:
                yield (
                    f'Then there is room for {many(each.after, "server")} of '
                    f'flavor {each.request.flavor.name}.'
                )


def _in_vain(terms: Terms) -> str:
    """Give how far a plan was looked for: "was found in 10 s"."""
    if terms.most:
        return f'of at most {many(terms.most, "migration")} was found'
    return f'was found in {terms.seconds:g} s'


def stays(stay: Stay) -> str:
    """Give which server stays where, and why."""
    server = stay.server
    return f'{server.name} ({server.uuid}) stays on {server.host}: {stay.why}.'


def counted(waves: Waves) -> str:
    """Give how much a plan does, in words."""
    steps = [step for wave in waves for step in wave]
    memory = sum(step.memory_mb for step in steps)
    return (
        f'{many(len(steps), "migration")} in {many(len(waves), "wave")}, '
        f'{memory} MiB of memory to be copied'
    )


def many(count: int, what: str) -> str:
    """Give a count with what is counted."""
    return f'{count} {what}{"" if count == 1 else "s"}'


def named(hosts: Iterable[str]) -> str:
    """Give names of hosts; how often, if one is there more than once."""
    counts = collections.Counter(hosts)
    return ', '.join(
        f'{name} ({count})' if count > 1 else name
        for name, count in counts.items()
    )
