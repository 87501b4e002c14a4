"""The filter of hosts that a live migration cannot go to."""

import logging as std_logging
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from nova.scheduler.filters import BaseHostFilter
from oslo_log import log as logging

from numa_sched import destination
from numa_sched.destination import Migration, Refusal
from numa_sched.exceptions import TopologyError
from numa_sched.fit import reasons
from numa_sched.nova import nodes
from numa_sched.nova.scheduler import source, word
from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.nova.scheduler.drops import Drops

LOG = logging.getLogger(__name__)


class MigrationDestinationFilter(BaseHostFilter):
    """Passes hosts that a live migration is not bound to fail on.

    Requests that are no live migrations pass all hosts.
    """

    RUN_ON_REBUILD = False

    def __init__(self, left_word: word.Word | None = None):
        """Take a ``Word``, that of this process if none is given."""
        super().__init__()
        self._word = left_word or word.of_this_process()

    def filter_all(self, filter_obj_list, spec_obj) -> list[Any]:
        """Give the host states that a live migration may go to."""
        left = list(filter_obj_list)
        request = left and _Request.of(spec_obj)
        dropped = Drops()
        if request:
            left = [each for each in left if request.passes(each)]
            request.report()
            dropped = request.dropped
        self._word.filtered(spec_obj, type(self).__name__, dropped, left)
        return left

    def host_passes(self, host_state, spec_obj) -> bool:
        """Whether one host state is left over by :meth:`filter_all`."""
        return bool(self.filter_all([host_state], spec_obj))


class _Request:
    """The request for a live migration, and the hosts dropped so far."""

    def __init__(self, spec_obj, instance, migration: Migration):
        self.spec_obj, self.instance = spec_obj, instance
        self.migration = migration
        self.pages = _Pages.of(spec_obj, migration)
        self.dropped = Drops()

    @classmethod
    def of(cls, spec_obj) -> '_Request | None':
        """Give the request, None unless it is for a live migration."""
        if not source.may_be_live_migration(spec_obj):
            return None
        context = nova_context.get_admin_context()
        try:
            instance = source.instance(context, spec_obj)
            if instance.task_state != task_states.MIGRATING:
                return None
            migration = _migration(
                spec_obj, instance, _source_node(context, spec_obj, instance)
            )
        except Exception as error:
            LOG.warning(
                'Destinations for server %(server)s are not checked, since '
                'what is known of its source cannot be read; conductor and '
                'destination will refuse what cannot be: %(error)s',
                {'server': spec_obj.instance_uuid, 'error': error},
            )
            return None
        return cls(spec_obj, instance, migration)

    def passes(self, host_state) -> bool:
        """Whether a live migration may go to a host."""
        try:
            reason = self._refusal(host_state)
        except Exception as error:
            # Not to know is no reason; conductor and destination look again.
            LOG.warning(
                'Whether server %(server)s can be live-migrated to host '
                '%(host)s, node %(node)s is not checked: %(error)s',
                {
                    'server': self.spec_obj.instance_uuid,
                    'host': host_state.host,
                    'node': host_state.nodename,
                    'error': error,
                },
                exc_info=True,
            )
            return True
        if reason is None:
            return True
        self.dropped.add(host_state, reason)
        if LOG.isEnabledFor(std_logging.DEBUG):
            LOG.debug(
                'Host %(host)s, node %(node)s: server %(server)s cannot be '
                'live-migrated there from host %(source)s: %(reason)s',
                {
                    'host': host_state.host,
                    'node': host_state.nodename,
                    'server': self.spec_obj.instance_uuid,
                    'source': self.instance.host,
                    'reason': reason,
                },
            )
        return False

    def _refusal(self, host_state) -> Refusal | None:
        node = nodes.of_state(host_state)
        reason = destination.refusal(self.migration, node)
        if reason or self.pages is None:
            return reason
        if not self.migration.claims_on(node):
            return None
        return self.pages.refusal(host_state)

    def report(self) -> None:
        """Tell once which hosts were dropped, grouped."""
        if not self.dropped or not LOG.isEnabledFor(std_logging.INFO):
            return
        LOG.info(
            'Server %(server)s cannot be live-migrated from host %(source)s '
            'to %(why)s',
            {
                'server': self.spec_obj.instance_uuid,
                'source': self.instance.host,
                'why': reasons.summarize(self.dropped.reasons()),
            },
        )


class _Pages:
    """Page sizes that claims on hosts will come to.

    The size in use at the source is one of several that the flavor allows,
    and the claim of a live migration may not come to another
    (``MoveClaim._test_live_migration_page_size``).
    """

    def __init__(self, assessment: Assessment, current: int | None):
        self.assessment, self.current = assessment, current

    @classmethod
    def of(cls, spec_obj, migration: Migration) -> '_Pages | None':
        """Give None where every claim comes to the size in use."""
        if not migration.has_numa:
            return None
        try:
            assessment = Assessment(spec_obj)
        except TopologyError:
            return None
        guest = assessment.guest
        if not guest or not guest.cells[0].page_size:
            return None
        return cls(assessment, migration.page_size)

    def refusal(self, host_state) -> Refusal | None:
        """Give why the claim on a host does not come to the size in use."""
        view = self.assessment.view(host_state)
        claim = view.host and self.assessment.verdict(host_state, view).claim
        # Whether there is a claim at all is for other filters to say.
        return (
            destination.page_refusal(self.current, claim.page_sizes[0])
            if claim
            else None
        )


def _source_node(context, spec_obj, instance):
    """Give the compute node that the conductor will compare with."""
    with source.in_cell(context, spec_obj) as cell:
        return objects.ComputeNode.get_first_node_by_host_for_old_compat(
            cell, instance.host
        )


def _migration(spec_obj, instance, compute_node) -> Migration:
    topology = instance.numa_topology
    first = topology.cells[0] if topology else None
    return Migration(
        source=nodes.of_row(compute_node),
        guest_cpu=nodes.guest_cpu(instance.vcpu_model),
        has_numa=bool(topology),
        page_size=first.pagesize if first and 'pagesize' in first else None,
        rules=nodes.rules(emulates=nodes.is_emulated(spec_obj.image)),
    )
