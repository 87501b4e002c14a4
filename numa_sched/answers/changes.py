"""The changes that would let more hosts pass."""

import collections
import dataclasses
from collections.abc import Iterator

from numa_sched.answers.explain import Explanation, Verdict
from numa_sched.answers.fitting import Fitting
from numa_sched.answers.refusals import GIVEN, Refusal, Rule
from numa_sched.fit.claim import Claim
from numa_sched.fleet import Fleet
from numa_sched.topology import (
    DeviceAffinity,
    Guest,
    GuestCell,
    PageSize,
    ThreadPolicy,
)

CELLS = (1, 2, 4, 8)
"""Numbers of NUMA cells to try; more are asked for by nobody."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One change, and the hosts that would pass after it by their names."""

    what: str
    hosts: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.hosts)
        return f'{count} host{"" if count == 1 else "s"} {self.what}'


def changes(fleet: Fleet, explanation: Explanation) -> tuple[Change, ...]:
    """Give each change that alone lets hosts pass, the most helpful first.

    Of changes to the request each is tried on all hosts that only its NUMA
    topology keeps from passing.
    """
    single: dict[Refusal, list[str]] = collections.defaultdict(list)
    misfits: list[Verdict] = []
    for verdict in explanation.verdicts:
        rules = {each.rule for each in verdict.refusals}
        if rules == {Rule.NUMA} and verdict.host.host is not None:
            misfits.append(verdict)
        elif len(verdict.refusals) == 1 and not rules & {*GIVEN, Rule.NUMA}:
            (refusal,) = verdict.refusals
            key = Refusal(refusal.rule, refusal.summary, refusal.summary)
            single[key].append(verdict.host.name)
    found = [
        Change(f'would pass but for this: {refusal.summary}', tuple(hosts))
        for refusal, hosts in single.items()
    ]
    if explanation.request.guest is not None and misfits:
        found += _of_guest(fleet, explanation, misfits)
    # Nobody is told the same twice, and ties stay in their order.
    return tuple(sorted(found, key=lambda each: -len(each.hosts)))


def _of_guest(
    fleet: Fleet, explanation: Explanation, misfits: list[Verdict]
) -> Iterator[Change]:
    request = explanation.request
    assert request.guest is not None
    hosts = [each.host.host for each in misfits if each.host.host is not None]
    for what, guest in _others(request.guest):
        answers = Fitting(guest, packing=fleet.packing).on(hosts)
        names = tuple(
            verdict.host.name
            for verdict, answer in zip(misfits, answers, strict=True)
            if isinstance(answer, Claim)
        )
        if names:
            yield Change(f'would fit if the {request.noun} {what}', names)


def _others(guest: Guest) -> Iterator[tuple[str, Guest]]:
    """Give guests that differ in one thing, each with what it would be."""
    first = guest.cells[0]
    for number in CELLS:
        cells = _divided(guest, number)
        if cells is not None:
            yield (
                f'asked for {number} NUMA cell{"" if number == 1 else "s"} '
                f'(hw:numa_nodes={number})',
                dataclasses.replace(guest, cells=cells),
            )
    if first.thread_policy in (ThreadPolicy.ISOLATE, ThreadPolicy.REQUIRE):
        yield (
            f'did not ask for hw:cpu_thread_policy='
            f'{first.thread_policy.value}',
            _with(guest, thread_policy=None),
        )
    if first.page_size is not None:
        for size in (PageSize.ANY, PageSize.SMALL):
            name = size.name.lower()
            if first.page_size != size:
                yield (
                    f'asked for hw:mem_page_size={name}',
                    _with(guest, page_size=size),
                )
    if guest.isolate_emulator:
        yield (
            'did not ask for hw:emulator_threads_policy=isolate',
            dataclasses.replace(guest, isolate_emulator=False),
        )
    if any(
        each.affinity is not DeviceAffinity.PREFERRED for each in guest.devices
    ):
        yield (
            'asked for hw:pci_numa_affinity_policy=preferred',
            dataclasses.replace(
                guest,
                devices=tuple(
                    dataclasses.replace(
                        each, affinity=DeviceAffinity.PREFERRED
                    )
                    for each in guest.devices
                ),
            ),
        )


def _with(guest: Guest, **fields: object) -> Guest:
    return dataclasses.replace(
        guest,
        cells=tuple(
            dataclasses.replace(cell, **fields)  # type: ignore[arg-type]
            for cell in guest.cells
        ),
    )


def _divided(guest: Guest, number: int) -> tuple[GuestCell, ...] | None:
    """Give as many cells that are alike, None if that cannot be."""
    first, count = guest.cells[0], len(guest.cells)
    if number == count or any(cell != first for cell in guest.cells):
        return None
    amounts = first.dedicated, first.shared, first.memory_mb
    if any(amount * count % number for amount in amounts):
        return None
    dedicated, shared, memory_mb = (
        amount * count // number for amount in amounts
    )
    if not dedicated + shared:
        return None
    return (
        dataclasses.replace(
            first, dedicated=dedicated, shared=shared, memory_mb=memory_mb
        ),
    ) * number
