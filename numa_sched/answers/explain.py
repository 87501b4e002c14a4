"""Why hosts will not do, and what change would help."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from numa_sched.answers.checks import THERE, Checks
from numa_sched.answers.fitting import Fitting, Found, needs_threads
from numa_sched.answers.refusals import Refusal, Rule
from numa_sched.answers.request import Request
from numa_sched.fit.claim import Claim
from numa_sched.fit.pairs import Pairs
from numa_sched.fit.reasons import (
    BadData,
    CellMisfit,
    NoThreads,
    NoTopology,
    Reason,
)
from numa_sched.fleet import Fleet, FleetHost
from numa_sched.topology import Guest, Host


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of a request on one host.

    ``claim`` is what the guest would take, None if it does not fit or asks
    for no NUMA topology. It passes if nothing stands against it.
    """

    host: FleetHost
    refusals: tuple[Refusal, ...] = ()
    claim: Claim | None = None

    @property
    def passes(self) -> bool:
        """Whether the scheduler would leave the host over."""
        return not self.refusals


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """What comes of a request on each host, in the order of the fleet."""

    request: Request
    verdicts: tuple[Verdict, ...]

    @property
    def passing(self) -> tuple[Verdict, ...]:
        """The hosts that are left over."""
        return tuple(each for each in self.verdicts if each.passes)

    def groups(self) -> Mapping[tuple[str, ...], tuple[Verdict, ...]]:
        """Give the hosts that are dropped, by all that stands against them.

        The largest group comes first, equal ones by name.
        """
        found: dict[tuple[str, ...], list[Verdict]] = {}
        for verdict in self.verdicts:
            if not verdict.passes:
                told = (each.summary for each in verdict.refusals)
                key = tuple(dict.fromkeys(told))
                found.setdefault(key, []).append(verdict)
        ordered = sorted(
            found.items(), key=lambda each: (-len(each[1]), each[0])
        )
        return {summaries: tuple(hosts) for summaries, hosts in ordered}


def explain(
    fleet: Fleet,
    request: Request,
    hosts: Sequence[FleetHost] | None = None,
    *,
    reasons: bool = True,
) -> Explanation:
    """Give what comes of a request on hosts.

    :param hosts: all of the fleet if not given
    :param reasons: whether to look for the reasons of a NUMA misfit, which
        takes longer than to find that there is one
    :raises NotFoundError: if it asks for an aggregate that there is not
    """
    checks = Checks(fleet, request)
    hosts = fleet.hosts if hosts is None else hosts
    return Explanation(
        request,
        tuple(
            _verdict(checks, host, found, request.guest)
            for host, found in zip(
                hosts,
                _found(fleet, request.guest, hosts, reasons=reasons),
                strict=True,
            )
        ),
    )


def _verdict(
    checks: Checks,
    host: FleetHost,
    found: 'Claim | Reason | None',
    guest: Guest | None,
) -> Verdict:
    if checks.is_source(host):
        return Verdict(host, (THERE,))
    refusals = list(checks.of(host))
    claim = found if isinstance(found, Claim) else None
    if claim is not None:
        refusals += checks.pages(host, claim)
    elif guest is not None:
        refusals.append(
            Refusal(Rule.NUMA, 'does not fit', 'does not fit')
            if found is None
            else Refusal.of(Rule.NUMA, found)  # type: ignore[arg-type]
        )
    refusals.sort(key=lambda each: _ORDER[each.rule])
    return Verdict(host, tuple(refusals), claim)


_ORDER = {rule: place for place, rule in enumerate(Rule)}


def _found(
    fleet: Fleet,
    guest: Guest | None,
    hosts: Sequence[FleetHost],
    *,
    reasons: bool,
) -> 'list[Claim | Reason | None]':
    """Give for each host the claim, or why there is none."""
    if guest is None:
        return [None] * len(hosts)
    fitting = Fitting(guest, packing=fleet.packing)
    found: list[Claim | Reason | None] = [
        unusable(each, guest) for each in hosts
    ]
    usable = [
        (number, each.host)
        for number, each in enumerate(hosts)
        if found[number] is None and each.host is not None
    ]
    answers = fitting.on([host for _, host in usable])
    for (number, host), answer in zip(usable, answers, strict=True):
        found[number] = _told(fitting, host, answer, reasons)
    return found


def _told(
    fitting: Fitting, host: Host, answer: Found, reasons: bool
) -> 'Claim | Reason | None':
    if answer is None and reasons:
        answer = fitting.why_not(host)
    if answer is None or isinstance(answer, Claim):
        return answer
    return answer.reason


def unusable(host: FleetHost, guest: Guest) -> Reason | None:
    """Give why a host is out of the question for any guest like this."""
    if host.error is not None:
        return BadData(host.error)
    if host.host is None:
        return NoTopology()
    if needs_threads(guest) and not host.host.layout.form.has_threads:
        return NoThreads()
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """One cell of a guest on one cell of a host; ``misfit`` None if it fits.

    ``guest_cell`` is an index, ``host_cell`` an id.
    """

    guest_cell: int
    host_cell: int
    misfit: str | None


def pairs(host: Host, guest: Guest) -> Iterator[Pair]:
    """Give what comes of each cell of a guest on each cell of a host."""
    both = Pairs(host, guest)
    for place in range(len(guest.cells)):
        for index, found in both.row(place).items():
            yield Pair(
                place,
                host.layout.cells[index].id,
                str(found) if isinstance(found, CellMisfit) else None,
            )
