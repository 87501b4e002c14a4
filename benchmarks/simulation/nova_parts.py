"""A cloud of Nova's own parts, for the simulation: no services, no database.

Host states, filters, weighers and the claim are Nova's (and ours, as
configured). Placement is three totals a host. A claim changes a host state at
once, as the row in the database would be: schedulers read rows anew at each
request, so what they do not see is what is still on its way.
"""

import copy
import datetime
import random
import uuid
from collections.abc import Callable, Mapping, Sequence

import nova.conf
from nova import objects
from nova.scheduler import filters, host_manager, weights
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter
from nova.virt import hardware

from benchmarks.simulation import Shape
from numa_sched.topology import Host
from tests import restore

CONF = nova.conf.CONF

CLASSES = 'PCPU', 'VCPU', 'MEMORY_MB'

# Long ago, so that rows count as settled; each change comes a bit later.
_BEGAN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_TICK = datetime.timedelta(milliseconds=1)


class RememberedNUMATopologyFilter(NUMATopologyFilter):
    """Nova's filter, which asks itself once for each change of a host.

    It gives the same answers: they depend on the host and the flavor only.
    Without it, nobody would wait for a simulation of stock Nova.
    """

    def host_passes(self, host_state, spec_obj):
        """Whether a host passes."""
        remembered = host_state.remembered
        if remembered['updated'] != host_state.updated:
            remembered.update(updated=host_state.updated, answers={})
        answers = remembered['answers']
        key = spec_obj.flavor.name
        if key not in answers:
            passes = super().host_passes(host_state, spec_obj)
            answers[key] = passes, dict(host_state.limits)
        passes, limits = answers[key]
        host_state.limits.update(limits)
        return passes


class Scheduler:
    """Filters and weighers of one scheduler worker."""

    def __init__(
        self,
        host_filters: Sequence,
        weighers: Sequence,
        request_filters: Sequence[Callable] = (),
    ):
        """Take filter and weigher objects, and what sees requests first.

        Traits that request filters require are not asked of any host.
        """
        self.filters, self.weighers = host_filters, weighers
        self.request_filters = request_filters
        self._filter_handler = filters.HostFilterHandler()
        self._weight_handler = weights.HostWeightHandler()

    def ranked(self, states, request_spec) -> list:
        """Give the host states that are left, best first.

        Source: ``nova.scheduler.manager.SchedulerManager._get_sorted_hosts``,
        with the defaults of its options.
        """
        for request_filter in self.request_filters:
            request_filter(None, request_spec)
        left = list(
            self._filter_handler.get_filtered_objects(
                self.filters, states, request_spec
            )
        )
        return [
            weighed.obj
            for weighed in self._weight_handler.get_weighed_objects(
                self.weighers, left, request_spec
            )
        ]


class SimulatedCloud:
    """Hosts and schedulers; a ``benchmarks.simulation.Cloud``."""

    def __init__(
        self,
        hosts: Sequence[Host],
        make_scheduler: Callable[[], Scheduler],
        schedulers: int = 1,
        seed: int = 0,
        candidates: int = 0,
    ):
        """Take hosts as they are, with what is in use of them.

        Placement gives at most so many candidates, by chance, as with
        ``max_placement_results`` and ``randomize_allocation_candidates``; all
        of them for 0.

        Names that are put into ``refusing`` are of hosts that refuse every
        claim, for a reason that no scheduler knows.
        """
        self._now = _BEGAN
        self.refusing: set[str] = set()
        self._states = {host.name: self._state(host) for host in hosts}
        self._placement = {
            name: _totals(state) for name, state in self._states.items()
        }
        self._flavors: dict[Shape, tuple] = {}
        self._claims: dict[str, tuple] = {}
        self._schedulers = []
        # Rows come in the order of a set of host names, which differs from
        # process to process.
        draw = self._draw = random.Random(seed)
        self._candidates = candidates
        for _ in range(schedulers):
            names = list(self._states)
            draw.shuffle(names)
            self._schedulers.append((make_scheduler(), names))

    def ranked(
        self, scheduler, server, shape, ignored, disabled=(), named=None
    ):
        """Give the hosts that a scheduler finds, best first."""
        worker, names = self._schedulers[scheduler]
        # Placement does not know which hosts a request says to ignore.
        given = [
            name
            for name in (names if named is None else [named])
            if name not in disabled and self._has_totals(name, shape)
        ]
        if 0 < self._candidates < len(given):
            given = self._draw.sample(given, self._candidates)
        states = {}
        for name in given:
            if name in ignored:
                continue
            # Nova makes host states anew at each request.
            state = states[name] = copy.copy(self._states[name])
            state.limits = {}
            state.allocation_candidates = [{'allocations': {}, 'mappings': {}}]
        request_spec = self._request_spec(server, shape, ignored)
        self._asked = states, request_spec
        return [
            state.host
            for state in worker.ranked(list(states.values()), request_spec)
        ]

    def chosen(self, server, host):
        """Have the host state of the request consumed, as Nova does.

        Source: ``SchedulerManager._consume_selected_host``.
        """
        states, request_spec = self._asked
        if request_spec.numa_topology is not None:
            # The fit changes what it is given, and this one is the flavor's.
            request_spec.numa_topology = request_spec.numa_topology.obj_clone()
        states[host].consume_from_request(request_spec)

    def allocate(self, claim, shape, host):
        """Take placement's totals on a host; whether there was enough."""
        if not self._has_totals(host, shape):
            return False
        self._placement[host] = [
            have - want
            for have, want in zip(
                self._placement[host], _wanted(shape), strict=True
            )
        ]
        self._claims[claim] = host, shape, None
        return True

    def claim(self, claim, shape, host):
        """Take cells of a host, as it is now; whether the guest fits.

        Source: ``nova.compute.claims.Claim`` and the resource tracker.
        """
        if host in self.refusing:
            return False
        state = self._states[host]
        _, topology = self._flavor(shape)
        taken = None
        if topology is not None:
            taken = hardware.numa_fit_instance_to_host(
                state.numa_topology,
                topology.obj_clone(),
                provider_mapping={},
                limits=objects.NUMATopologyLimits(
                    cpu_allocation_ratio=state.cpu_allocation_ratio,
                    ram_allocation_ratio=state.ram_allocation_ratio,
                ),
            )
            if taken is None:
                return False
        self._use(state, shape, taken)
        self._claims[claim] = host, shape, taken or True
        return True

    def release(self, claim):
        """Give back what was allocated and claimed under a name."""
        host, shape, taken = self._claims.pop(claim)
        self._placement[host] = [
            have + want
            for have, want in zip(
                self._placement[host], _wanted(shape), strict=True
            )
        ]
        if taken:
            self._use(
                self._states[host],
                shape,
                None if taken is True else taken,
                free=True,
            )

    def flavor(self, shape: Shape) -> objects.Flavor:
        """Give a shape's flavor."""
        return self._flavor(shape)[0]

    @property
    def states(self) -> Mapping[str, host_manager.HostState]:
        """The host states, by the names of their hosts."""
        return self._states

    def left(self, name: str) -> Sequence[int]:
        """Give what placement has left of a host, by :data:`CLASSES`."""
        return tuple(self._placement[name])

    def taken(self, claim: str) -> Sequence[objects.InstanceNUMACell]:
        """Give the cells that a claim has taken, none without a topology."""
        _, _, topology = self._claims[claim]
        return () if topology is True else topology.cells

    def _use(self, state, shape, topology, *, free=False):
        sign = -1 if free else 1
        if topology is not None:
            state.numa_topology = hardware.numa_usage_from_instance_numa(
                state.numa_topology, topology, free=free
            )
        state.free_ram_mb -= sign * shape.memory_mb
        state.vcpus_used += sign * shape.vcpus
        state.num_instances += sign
        self._now += _TICK
        state.updated = self._now

    def _has_totals(self, name, shape):
        return all(
            have >= want
            for have, want in zip(
                self._placement[name], _wanted(shape), strict=True
            )
        )

    def _flavor(self, shape):
        """Give a shape's flavor, and the topology that it asks for."""
        if shape not in self._flavors:
            flavor = objects.Flavor(
                name=shape.name,
                vcpus=shape.vcpus,
                memory_mb=shape.memory_mb,
                root_gb=1,
                ephemeral_gb=0,
                swap=0,
                extra_specs=dict(shape.extra_specs),
            )
            self._flavors[shape] = (
                flavor,
                hardware.numa_get_constraints(flavor, _IMAGE),
            )
        return self._flavors[shape]

    def _request_spec(self, server, shape, ignored):
        flavor, topology = self._flavor(shape)
        return objects.RequestSpec(
            instance_uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, server)),
            project_id=None,  # of many: what one may add to a mix is bounded
            flavor=flavor,
            image=_IMAGE,
            numa_topology=topology,
            pci_requests=objects.InstancePCIRequests(requests=[]),
            requested_resources=[],
            requested_destination=None,
            instance_group=None,
            scheduler_hints={},
            ignore_hosts=list(ignored),
        )

    def _state(self, host: Host):
        """Give Nova's host state of a host."""
        topology = restore.host_topology(host)
        memory_mb = sum(host.memory_mb)
        used_mb = sum(host.memory_used_mb)
        cpus = sum(
            (cell.layout.shared | cell.layout.dedicated).bit_count()
            for cell in host.cells
        )
        used = sum(
            cell.pinned.bit_count() + cell.shared_used for cell in host.cells
        )
        state = host_manager.HostState(host.name, host.name, uuid.uuid4())
        state.update(
            compute=objects.ComputeNode(
                uuid=str(uuid.uuid4()),
                host=host.name,
                hypervisor_hostname=host.name,
                hypervisor_type='QEMU',
                hypervisor_version=8000000,
                host_ip='192.0.2.1',
                cpu_info='',
                supported_hv_specs=[],
                memory_mb=memory_mb,
                memory_mb_used=used_mb,
                free_ram_mb=memory_mb - used_mb,
                local_gb=100_000,
                local_gb_used=0,
                free_disk_gb=100_000,
                disk_available_least=None,
                vcpus=cpus,
                vcpus_used=used,
                numa_topology=topology._to_json(),
                pci_device_pools=None,
                stats={},
                metrics='[]',
                cpu_allocation_ratio=host.cpu_allocation_ratio,
                ram_allocation_ratio=host.ram_allocation_ratio,
                disk_allocation_ratio=1.0,
                updated_at=self._now,
            )
        )
        state.remembered = {'updated': None, 'answers': {}}
        return state


_IMAGE = objects.ImageMeta(properties=objects.ImageMetaProps())


def _wanted(shape):
    """Give dedicated CPUs, shared CPUs and memory of a shape."""
    pinned = dict(shape.extra_specs).get('hw:cpu_policy') == 'dedicated'
    return (
        shape.vcpus if pinned else 0,
        0 if pinned else shape.vcpus,
        shape.memory_mb,
    )


def inventory(state) -> list[int]:
    """Give what a host has in placement, by :data:`CLASSES`."""
    cells = state.numa_topology.cells
    return [
        sum(len(cell.pcpuset) for cell in cells),
        int(
            sum(len(cell.cpuset) for cell in cells)
            * state.cpu_allocation_ratio
        ),
        state.total_usable_ram_mb,
    ]


def _totals(state):
    """Give what a host has left of it."""
    cells = state.numa_topology.cells
    cpus, shared, _ = inventory(state)
    return [
        cpus - sum(len(cell.pinned_cpus) for cell in cells),
        shared - sum(cell.cpu_usage for cell in cells),
        state.free_ram_mb,
    ]
