"""Host filters."""

from nova import objects
from nova.scheduler import utils
from nova.scheduler.filters import numa_topology_filter
from oslo_log import log as logging

from numa_sched.exceptions import TopologyError
from numa_sched.nova import convert
from numa_sched.nova.assess import assess

LOG = logging.getLogger(__name__)


class NUMAFitFilter(numa_topology_filter.NUMATopologyFilter):
    """Passes hosts on which the guest's NUMA topology fits and is claimed.

    Stands in place of Nova's ``NUMATopologyFilter``: it leaves the same
    limits for the claim, drops the same allocation candidates, makes the same
    check of the CPU policy and does not run on rebuild. Unlike that one it is
    exact for guests whose cells differ, and does not touch the request.
    """

    def filter_all(self, filter_obj_list, spec_obj):
        """Yield the host states that the request fits."""
        if utils.request_is_rebuild(spec_obj):
            yield from filter_obj_list
            return
        try:
            guest = convert.guest(spec_obj)
        except TopologyError as error:
            LOG.warning(
                'The NUMA topology that server %(server)s asks for cannot be '
                'understood, so it fits no host: %(error)s. Check the hw: '
                'extra specs of its flavor and the hw_ properties of its '
                'image.',
                {'server': spec_obj.instance_uuid, 'error': error},
            )
            return
        for host_state in filter_obj_list:
            if self._passes(host_state, spec_obj, guest):
                yield host_state

    def host_passes(self, host_state, spec_obj):
        """Whether one host state is left over by :meth:`filter_all`."""
        return any(self.filter_all([host_state], spec_obj))

    def _passes(self, host_state, spec_obj, guest):
        try:
            if not self._satisfies_cpu_policy(
                host_state,
                spec_obj.flavor.extra_specs,
                spec_obj.image.properties,
            ):
                _debug_misfit(
                    host_state,
                    spec_obj,
                    'needs sibling threads, the host has none',
                )
                return False
            return not guest or self._fits(host_state, spec_obj, guest)
        except TopologyError as error:
            _warn_of_bad_data(host_state, error)
        except Exception as error:
            # One host must not take the whole request down with it.
            _warn_of_bad_data(host_state, error, exc_info=True)
        return False

    def _fits(self, host_state, spec_obj, guest):
        host = convert.host(host_state)
        if host is None:
            _debug_misfit(host_state, spec_obj, 'has no NUMA topology')
            return False
        requests = convert.pci_requests(spec_obj)
        verdicts = []

        def fits(candidate):
            # Without PCI requests candidates differ in nothing of ours.
            if requests or not verdicts:
                verdicts.append(
                    assess(host_state, host, guest, requests, candidate)
                )
            return bool(verdicts[-1])

        if not self.filter_candidates(host_state, fits):
            _debug_misfit(
                host_state,
                spec_obj,
                verdicts[0] if verdicts else 'no allocation candidates left',
            )
            return False
        host_state.limits['numa_topology'] = _limits(host_state, spec_obj)
        return True


def _limits(host_state, spec_obj):
    """Give what the claim is to hold itself to."""
    limits = objects.NUMATopologyLimits(
        cpu_allocation_ratio=host_state.cpu_allocation_ratio,
        ram_allocation_ratio=host_state.ram_allocation_ratio,
    )
    if 'network_metadata' in spec_obj and spec_obj.network_metadata:
        limits.network_metadata = spec_obj.network_metadata
    return limits


def _debug_misfit(host_state, spec_obj, reason):
    LOG.debug(
        'Host %(host)s, node %(node)s: server %(server)s does not fit: '
        '%(reason)s',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'server': spec_obj.instance_uuid,
            'reason': reason,
        },
    )


def _warn_of_bad_data(host_state, error, **kwargs):
    LOG.warning(
        'Host %(host)s, node %(node)s is left out: the NUMA topology that it '
        'reports makes no sense (%(error)s). Restart its nova-compute and see '
        'its log.',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'error': error,
        },
        **kwargs,
    )
