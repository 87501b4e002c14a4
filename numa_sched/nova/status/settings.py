"""Checks of ``nova.conf``: each takes values and gives a result."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from oslo_upgradecheck.upgradecheck import Result

from numa_sched.nova import releases
from numa_sched.nova.status.findings import failure, result, warning

OUR_FILTERS = 'numa_sched.nova.all_filters'
NOVAS_FILTERS = 'nova.scheduler.filters.all_filters'
OUR_WEIGHERS = 'numa_sched.nova.all_weighers'
NOVAS_WEIGHERS = 'nova.scheduler.weights.all_weighers'
FIT = 'NUMAFitFilter'
STOCK = 'NUMATopologyFilter'
DESTINATION = 'MigrationDestinationFilter'

# What Nova's ComputeAPI needs to send for migrations that know of NUMA; see
# supports_numa_live_migration in nova/compute/rpcapi.py.
NUMA_RPC = (5, 3)

WORKAROUNDS = {
    'enable_numa_live_migration': (
        'it lets computes older than Train migrate servers onto CPUs and '
        'pages that others have'
    ),
    'disable_compute_service_check_for_ffu': (
        'it lets services start beside computes that are too old for them'
    ),
    'skip_hypervisor_version_check_on_lm': (
        'destinations with an older hypervisor are tried, which '
        'MigrationDestinationFilter drops'
    ),
}
"""Options of ``[workarounds]``, and what they do that is in the way."""


def release(version: str) -> Result:
    """Tell whether a version of Nova is of a release that was tested."""
    if releases.is_tested(version):
        return result(())
    tested = ', '.join(releases.TESTED)
    return result(
        [
            warning(
                f'Nova {version} is not among the releases that numa_sched '
                f'is tested with ({tested}): try it on a few hosts first.'
            )
        ]
    )


def filters(available: Sequence[str], enabled: Sequence[str]) -> Result:
    """Tell whether the filters are there, each in its place.

    :param available: ``[filter_scheduler] available_filters``
    :param enabled: ``[filter_scheduler] enabled_filters``
    """
    found = []
    if OUR_FILTERS not in available:
        found.append(
            failure(
                f'Add {OUR_FILTERS} to [filter_scheduler] available_filters: '
                f'without it there is neither {FIT} nor the policy.'
            )
        )
    named = {each.rpartition('.')[2] for each in available}
    others = set(enabled) - {FIT, DESTINATION} - named
    if others and not set(available) - {OUR_FILTERS}:
        found.append(
            failure(
                f'Add {NOVAS_FILTERS} to [filter_scheduler] '
                f'available_filters: it is the default, and goes away where '
                f'another one is written.'
            )
        )
    if STOCK in enabled:
        found.append(
            failure(
                f'Take {STOCK} out of [filter_scheduler] enabled_filters: '
                f'{FIT} stands in for it.'
                if FIT in enabled
                else f'Put {FIT} in the place of {STOCK} in '
                f'[filter_scheduler] enabled_filters.'
            )
        )
    elif FIT not in enabled:
        found.append(
            failure(f'Add {FIT} to [filter_scheduler] enabled_filters.')
        )
    if DESTINATION not in enabled:
        found.append(
            warning(
                f'Add {DESTINATION} to the end of [filter_scheduler] '
                f'enabled_filters: without it live migrations are sent to '
                f'hosts that must refuse them.'
            )
        )
    elif enabled[-1] != DESTINATION:
        found.append(
            warning(
                f'Move {DESTINATION} to the end of [filter_scheduler] '
                f'enabled_filters: it has something to look up, and others '
                f'leave it fewer hosts.'
            )
        )
    counts = Counter(enabled)
    twice = [each for each in (FIT, DESTINATION) if counts[each] > 1]
    if twice:
        found.append(
            warning(
                f'Name {" and ".join(twice)} once in [filter_scheduler] '
                f'enabled_filters: each time is a run of its own.'
            )
        )
    return result(found)


def weighers(classes: Sequence[str]) -> Result:
    """Tell whether the weigher is there, beside Nova's own.

    :param classes: ``[filter_scheduler] weight_classes``
    """
    found = []
    if not any(
        each == OUR_WEIGHERS or each.endswith('.NUMAFitWeigher')
        for each in classes
    ):
        found.append(
            failure(
                f'Add {OUR_WEIGHERS} to [filter_scheduler] weight_classes: '
                f'without it hosts are not ranked by NUMA fit.'
            )
        )
    if not any(each.startswith('nova.scheduler.weights.') for each in classes):
        found.append(
            warning(
                f'Add {NOVAS_WEIGHERS} to [filter_scheduler] weight_classes: '
                f'it is the default, and goes away where another one is '
                f'written.'
            )
        )
    return result(found)


def options(wrong: Sequence[str]) -> Result:
    """Tell what is wrong with our own options.

    :param wrong: a sentence for each that cannot be used
    """
    return result(
        [
            failure(
                f'Correct it in nova.conf, nova-scheduler does not start '
                f'with it: {each}.'
            )
            for each in (text.rstrip('.') for text in wrong)
        ]
    )


def workarounds(enabled: Collection[str]) -> Result:
    """Tell which options of ``[workarounds]`` are in the way.

    :param enabled: the names of those that are true
    """
    return result(
        [
            warning(f'Take [workarounds] {name} out of nova.conf: {why}.')
            for name, why in WORKAROUNDS.items()
            if name in enabled
        ]
    )


def pin(level: str | None, aliases: Mapping[str, str], newest: str) -> Result:
    """Tell whether what is sent to nova-compute is kept down.

    :param level: ``[upgrade_levels] compute``
    :param aliases: versions of the RPC by release, as Nova knows them
    :param newest: what this release of Nova can send
    """
    if level in (None, '', 'auto'):
        return result(())
    assert level is not None
    version = _version(aliases.get(level, level))
    where = f'[upgrade_levels] compute = {level}'
    out = 'take it out of nova.conf, or say auto'
    if version is None:
        return result(
            [failure(f'{where} names no release that Nova knows: {out}.')]
        )
    if version < NUMA_RPC:
        return result(
            [
                failure(
                    f'{where} keeps live migrations from knowing of NUMA, '
                    f'which takes 5.3: {out}.'
                )
            ]
        )
    if version < (_version(newest) or version):
        return result(
            [
                warning(
                    f'{where} is older than what this Nova can send '
                    f'({newest}): once no nova-compute is older, {out}.'
                )
            ]
        )
    return result(())


def _version(text: str) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, text.split('.')))
    except ValueError:
        return None


def packing(value: bool, *, written: bool) -> Result:
    """Tell what the scheduler takes the order of cells for.

    What nova-compute has in its own ``nova.conf`` is not known here.

    :param value: ``[compute] packing_host_numa_cells_allocation_strategy``
    :param written: whether a file says so, rather than Nova's default
    """
    source = 'this nova.conf says' if written else 'Nova has by default'
    return result(
        (),
        fine=f'[compute] packing_host_numa_cells_allocation_strategy is '
        f'{value}, as {source}: see that each nova-compute has the same, or '
        f'cells are predicted that are not taken.',
    )
