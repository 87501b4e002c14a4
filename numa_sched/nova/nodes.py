"""What Nova tells of hosts beside their NUMA cells, for live migrations."""

import dataclasses

import nova.conf
from nova.compute import rpcapi
from nova.objects import fields

from numa_sched import destination
from numa_sched.destination import Node, Rules, cpu
from numa_sched.nova import releases

CONF = nova.conf.CONF


def of_row(row) -> Node:
    """Give the facts that host states and compute nodes have in common."""
    return Node(
        hypervisor_type=row.hypervisor_type,
        hypervisor_version=row.hypervisor_version,
        cpu=cpu.parse(row.cpu_info),
    )


def of_state(host_state) -> Node:
    """Give all that a host state tells."""
    hypervisors = {each[1] for each in host_state.supported_instances or ()}
    return dataclasses.replace(
        of_row(host_state),
        has_kvm=fields.HVType.KVM in hypervisors,
        service_version=releases.service_version(host_state),
    )


def guest_cpu(model) -> cpu.GuestCPU | None:
    """Give the CPU that a guest was given, None if that of its source."""
    if not model or not model.model:
        return None
    return cpu.GuestCPU(
        model.vendor,
        frozenset(
            each.name
            for each in model.features or ()
            if each.policy in (None, fields.CPUFeaturePolicy.REQUIRE)
        ),
    )


def is_emulated(image) -> bool:
    """Whether a guest may have a CPU of another architecture.

    :param image: an ``ImageMeta`` or None
    """
    properties = image.properties if image else {}
    return bool(properties.get('hw_emulation_architecture'))


def rules(*, emulates: bool = False) -> Rules:
    """Give what the configuration makes of live migrations.

    :param emulates: whether the guest may have a CPU of another architecture
    """
    workarounds = CONF.workarounds
    level = CONF.upgrade_levels.compute
    return Rules(
        older_hypervisors=workarounds.skip_hypervisor_version_check_on_lm,
        compares_cpus=not (
            emulates
            or workarounds.skip_cpu_compare_on_dest
            or CONF.libvirt.virt_type != 'kvm'
        ),
        moves_numa_without_claim=workarounds.enable_numa_live_migration,
        version_cap=destination.parse_version(
            rpcapi.ComputeAPI.VERSION_ALIASES.get(level, level)
        ),
    )
