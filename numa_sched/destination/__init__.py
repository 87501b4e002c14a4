"""Which hosts a live migration cannot go to, by what is known beforehand.

The conductor, or the destination itself, refuses such a host once it has been
chosen and claimed in placement; then the scheduler is asked again. Source of
the rules: ``nova.conductor.tasks.live_migrate``,
``nova.compute.claims.MoveClaim`` and ``check_can_live_migrate_destination``
of Nova's libvirt driver.
"""

import dataclasses

from numa_sched.destination.cpu import (
    GuestCPU,
    HostCPU,
    missing_features,
    other_family,
    other_vendor,
)
from numa_sched.fit.reasons import describe_pages

# nova-compute of Train, the first that moves NUMA guests with a claim, and
# the version of its RPC interface.
NUMA_SERVICE_VERSION = 40
NUMA_RPC_VERSION = (5, 3)

UNKNOWN_CPU = HostCPU()

# Of missing features the first few will do for a log.
MAX_NAMED = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """What is known of a host beside its NUMA cells; None for what is not."""

    hypervisor_type: str | None = None
    hypervisor_version: int | None = None
    cpu: HostCPU = UNKNOWN_CPU
    has_kvm: bool = True
    service_version: int | None = None

    @property
    def is_libvirt(self) -> bool:
        """Whether it is KVM or QEMU, which both call themselves QEMU."""
        return (self.hypervisor_type or '').lower() == 'qemu'

    @property
    def old_service(self) -> int | None:
        """The version of its nova-compute if that is too old for claims."""
        version = self.service_version
        if version is None or version >= NUMA_SERVICE_VERSION:
            return None
        return version


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration of the cloud makes of the facts.

    ``version_cap`` is the highest version that computes are sent, None if
    there is no limit.
    """

    older_hypervisors: bool = False
    compares_cpus: bool = True
    moves_numa_without_claim: bool = False
    version_cap: tuple[int, int] | None = None

    @property
    def old_rpc(self) -> tuple[int, int] | None:
        """The highest version of RPC if that is too low for claims."""
        cap = self.version_cap
        return None if cap is None or cap >= NUMA_RPC_VERSION else cap


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """One live migration.

    ``guest_cpu`` is None for a guest that has the CPU of its source,
    ``page_size`` is what instance cell 0 has at the source, in KiB, None if
    it never asked.
    """

    source: Node
    guest_cpu: GuestCPU | None = None
    has_numa: bool = False
    page_size: int | None = None
    rules: Rules = Rules()

    def claims_on(self, host: Node) -> bool:
        """Whether the guest's NUMA topology is claimed on a host."""
        return (
            self.has_numa
            and self.source.is_libvirt
            and self.rules.old_rpc is None
            and host.old_service is None
        )


def parse_version(cap: str | None) -> tuple[int, int] | None:
    """Give an RPC version such as "5.3" in numbers, None if it is none."""
    try:
        major, minor = (cap or '').split('.')
        return int(major), int(minor)
    except ValueError:
        return None


class _Whole:
    """A reason that is as short as its summary."""

    __slots__ = ()

    @property
    def summary(self) -> str:
        """What it comes to, for all hosts of which the same is true."""
        return str(self)


@dataclasses.dataclass(frozen=True, slots=True)
class OtherHypervisor(_Whole):
    """The host runs another hypervisor than the source."""

    host: str
    source: str

    def __str__(self) -> str:
        return f"hypervisor {self.host} is not the source's {self.source}"


@dataclasses.dataclass(frozen=True, slots=True)
class OlderHypervisor(_Whole):
    """The host's hypervisor is older than that of the source."""

    host: int
    source: int

    def __str__(self) -> str:
        return (
            f"hypervisor version {self.host} is older than the source's "
            f'{self.source}'
        )


@dataclasses.dataclass(frozen=True, slots=True)
class OldService(_Whole):
    """The host's nova-compute cannot claim for a live migration."""

    version: int

    def __str__(self) -> str:
        return (
            f'nova-compute of service version {self.version} is too old for '
            f'NUMA-aware live migration, which needs {NUMA_SERVICE_VERSION}'
        )


@dataclasses.dataclass(frozen=True, slots=True)
class OldRPC(_Whole):
    """Nova is told not to send what a claim needs."""

    cap: tuple[int, int]

    def __str__(self) -> str:
        return (
            '[upgrade_levels] compute keeps RPC at {}.{}, NUMA-aware live '
            'migration needs {}.{}'.format(*self.cap, *NUMA_RPC_VERSION)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class OtherArchitecture(_Whole):
    """The host has CPUs of another architecture."""

    host: str
    source: str

    def __str__(self) -> str:
        return (
            f"CPU architecture {self.host} is not the source's {self.source}"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class OtherVendor(_Whole):
    """The host has CPUs of another vendor than the guest's."""

    host: str
    wanted: str

    def __str__(self) -> str:
        return f"CPU vendor {self.host} is not the guest's {self.wanted}"


@dataclasses.dataclass(frozen=True, slots=True)
class MissingFeatures(_Whole):
    """The host's CPU lacks features that the guest's CPU has.

    ``model`` is None if the host does not tell it.
    """

    model: str | None
    features: frozenset[str]

    def __str__(self) -> str:
        names = sorted(self.features)
        more = len(names) - MAX_NAMED
        return (
            f'CPU {self.model or "of unknown model"} without '
            + ', '.join(names[:MAX_NAMED])
            + (f' and {more} more features of the guest' if more > 0 else '')
        )


@dataclasses.dataclass(frozen=True, slots=True)
class OtherPageSize(_Whole):
    """The claim on the host would back the guest with other pages."""

    host: int | None
    source: int | None

    def __str__(self) -> str:
        return (
            f'the claim gives {describe_pages(self.host)}, at the source the '
            f'guest has {describe_pages(self.source)}'
        )


Refusal = (
    OtherHypervisor
    | OlderHypervisor
    | OldService
    | OldRPC
    | OtherArchitecture
    | OtherVendor
    | MissingFeatures
    | OtherPageSize
)


def refusal(migration: Migration, host: Node) -> Refusal | None:
    """Give why a live migration to a host must fail, None if it need not.

    Page sizes are looked at by :func:`page_refusal`.
    """
    return (
        _hypervisor_refusal(migration, host)
        or _service_refusal(migration, host)
        or _cpu_refusal(migration, host)
    )


def page_refusal(current: int | None, claimed: int | None) -> Refusal | None:
    """Give why a claim of other pages than those in use must fail.

    :param current: page size of instance cell 0 at its source, in KiB
    :param claimed: the size that the claim on the host comes to
    """
    return OtherPageSize(claimed, current) if claimed != current else None


def _hypervisor_refusal(migration: Migration, host: Node) -> Refusal | None:
    source = migration.source
    kind, wanted = host.hypervisor_type, source.hypervisor_type
    if kind and wanted and kind != wanted:
        return OtherHypervisor(kind, wanted)
    version, least = host.hypervisor_version, source.hypervisor_version
    if version is None or least is None or version >= least:
        return None
    if migration.rules.older_hypervisors:
        return None
    return OlderHypervisor(version, least)


def _service_refusal(migration: Migration, host: Node) -> Refusal | None:
    rules = migration.rules
    if (
        not migration.has_numa
        or not migration.source.is_libvirt
        or rules.moves_numa_without_claim
    ):
        return None
    if rules.old_rpc is not None:
        return OldRPC(rules.old_rpc)
    if host.old_service is not None:
        return OldService(host.old_service)
    return None


def _cpu_refusal(migration: Migration, host: Node) -> Refusal | None:
    source = migration.source
    if (
        not migration.rules.compares_cpus
        or not source.is_libvirt
        or not host.has_kvm
    ):
        return None
    family = other_family(source.cpu, host.cpu)
    if family:
        return OtherArchitecture(family.host, family.wanted)
    facts = migration.guest_cpu, source.cpu, host.cpu
    vendor = other_vendor(*facts)
    if vendor:
        return OtherVendor(vendor.host, vendor.wanted)
    missing = missing_features(*facts)
    return MissingFeatures(host.cpu.model, missing) if missing else None
