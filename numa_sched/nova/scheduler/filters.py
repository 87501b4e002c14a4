"""Host filters."""

import functools
import logging as std_logging
from collections.abc import Iterator
from typing import Any

from nova import exception, objects
from nova.objects import fields
from nova.scheduler import utils
from nova.scheduler.filters import BaseHostFilter
from oslo_log import log as logging

from numa_sched.exceptions import TopologyError
from numa_sched.fit import reasons
from numa_sched.nova.scheduler import demand, rebuild, underway, word
from numa_sched.nova.scheduler.assess import Assessment
from numa_sched.nova.scheduler.destination import MigrationDestinationFilter
from numa_sched.nova.scheduler.drops import Drops
from numa_sched.nova.scheduler.pci import order_candidates
from numa_sched.nova.scheduler.views import View

__all__ = ['MigrationDestinationFilter', 'NUMAFitFilter']

LOG = logging.getLogger(__name__)


class NUMAFitFilter(BaseHostFilter):
    """Passes hosts on which the guest's NUMA topology fits and is claimed.

    Stands in place of Nova's ``NUMATopologyFilter``: it leaves the same
    limits for the claim, drops the same allocation candidates, makes the same
    check of the CPU policy and looks at no topology on rebuild. Unlike that
    one it is exact for guests whose cells differ, and does not touch the
    request.

    On rebuild, for which Nova asks no request filter, it stands in for ours:
    see :mod:`numa_sched.nova.scheduler.rebuild`.
    """

    RUN_ON_REBUILD = True

    def __init__(
        self,
        learned: demand.Demand | None = None,
        choices: underway.Choices | None = None,
        left_word: word.Word | None = None,
    ):
        """Take a ``Demand``, ``Choices`` and a ``Word``.

        Those of this process if none are given.
        """
        super().__init__()
        self._demand = learned or demand.of_this_process()
        self._choices = choices or underway.of_this_process()
        self._word = left_word or word.of_this_process()

    def filter_all(self, filter_obj_list, spec_obj) -> Iterator[Any]:
        """Yield the host states that the request fits.

        :raises NoValidHost: if the wishes of a rebuild cannot be met
        """
        host_states = list(filter_obj_list)
        if utils.request_is_rebuild(spec_obj):
            yield from self._rebuild(host_states, spec_obj)
            return
        try:
            request = _Request(spec_obj, self._demand)
        except TopologyError as error:
            LOG.warning(
                'The NUMA topology that server %(server)s asks for cannot be '
                'understood, so it fits no host: %(error)s. Check the hw: '
                'extra specs of its flavor and the hw_ properties of its '
                'image.',
                {'server': spec_obj.instance_uuid, 'error': error},
            )
            self._word.refused(
                spec_obj,
                f'the NUMA topology that it asks for makes no sense: {error}',
            )
            return
        if not request.asks_anything:
            yield from host_states
            self._leave_word(spec_obj, request.dropped, host_states)
            return
        passed = []
        views = request.assessment.views(host_states)
        for host_state, view in zip(host_states, views, strict=True):
            if request.passes(host_state, view):
                passed.append((host_state, view))
                yield host_state
        if not passed:
            request.report()
        elif len(passed) == 1:
            # Nova asks weighers only if there is something to weigh.
            request.watch(self._choices, *passed[0])
        left = [host_state for host_state, _ in passed]
        self._leave_word(spec_obj, request.dropped, left)

    def _rebuild(self, host_states, spec_obj) -> list[Any]:
        try:
            left = rebuild.check(host_states, spec_obj)
        except exception.NoValidHost as error:
            self._word.refused(spec_obj, error.kwargs['reason'])
            raise
        self._leave_word(spec_obj, Drops(), left)
        return left

    def _leave_word(self, spec_obj, drops: Drops, left) -> None:
        self._word.filtered(spec_obj, type(self).__name__, drops, left)

    def host_passes(self, host_state, spec_obj) -> bool:
        """Whether one host state is left over by :meth:`filter_all`."""
        return any(self.filter_all([host_state], spec_obj))


class _Request:
    """One request, and the hosts that it has dropped so far."""

    def __init__(self, spec_obj, learned: demand.Demand):
        self.spec_obj = spec_obj
        self.assessment = Assessment(spec_obj, learned)
        self.needs_threads = _needs_threads(spec_obj)
        self.asks_anything = bool(self.assessment.guest or self.needs_threads)
        explain = functools.partial(_explain, self.assessment)
        self.dropped = Drops(explain)
        self.debug = LOG.isEnabledFor(std_logging.DEBUG)
        self._limits: dict[tuple[float, float], Any] = {}

    def passes(self, host_state, view: View | None) -> bool:
        """Whether a host passes; leaves limits for the claim if it does."""
        try:
            view = view or self.assessment.view(host_state)
            reason = self._drop_reason(host_state, view)
        except Exception as error:
            # One host must not take the whole request down with it.
            if view is None or view.warn():
                LOG.warning(
                    'Host %(host)s, node %(node)s is left out: it cannot be '
                    'judged (%(error)s).',
                    {
                        'host': host_state.host,
                        'node': host_state.nodename,
                        'error': error,
                    },
                    exc_info=True,
                )
            reason = reasons.BadData(str(error))
        if reason is None:
            return True
        self.dropped.add(host_state, reason)
        if self.debug:
            LOG.debug(
                'Host %(host)s, node %(node)s: server %(server)s does not '
                'fit: %(reason)s',
                {
                    'host': host_state.host,
                    'node': host_state.nodename,
                    'server': self.spec_obj.instance_uuid,
                    'reason': _explain(self.assessment, reason),
                },
            )
        return False

    def watch(
        self, choices: underway.Choices, host_state, view: View | None
    ) -> None:
        """Have the only host watched: it is likely to be chosen."""
        try:
            view = view or self.assessment.view(host_state)
            guest = self.assessment.guest
            claim = guest and self.assessment.verdict(host_state, view).claim
            if claim:
                server = self.spec_obj.instance_uuid
                choices.watch(server, [(host_state, claim)])
        except Exception:
            LOG.debug('The choice of a host is not noted', exc_info=True)

    def _drop_reason(
        self, host_state, view: View
    ) -> reasons.Reason | View | None:
        """Give why a host is dropped, None if it is not.

        A view stands for the reason that only :func:`_explain` works out.
        """
        assessment = self.assessment
        if view.error is not None:
            if view.warn():
                _warn_of_bad_data(host_state, view.error)
            return reasons.BadData(view.error)
        host = view.host
        if (
            self.needs_threads
            and host is not None
            and not host.layout.form.has_threads
        ):
            return reasons.NoThreads()
        if assessment.guest is None:
            return None
        if host is None:
            return reasons.NoTopology()
        if not host_state.allocation_candidates:
            return reasons.NoCandidate()
        if assessment.requests:
            reason = self._drop_candidates(host_state, view)
            if reason is not None:
                return reason
        elif assessment.verdict(host_state, view).claim is None:
            host_state.allocation_candidates = []
            return view
        host_state.limits['numa_topology'] = self._limits_of(host_state)
        return None

    def _drop_candidates(
        self, host_state, view: View
    ) -> reasons.Reason | None:
        """Leave the candidates whose devices are in reach of fitting cells.

        Nova claims the first one, so the one with the nearest devices is put
        there.
        """
        verdicts = [
            (
                candidate,
                self.assessment.with_devices(host_state, view, candidate),
            )
            for candidate in host_state.allocation_candidates
        ]
        fitting = [
            (candidate, found)
            for candidate, found in verdicts
            if not isinstance(found, reasons.Misfit)
        ]
        ordered = order_candidates(host_state.pci_stats, fitting)
        host_state.allocation_candidates = ordered
        if not ordered:
            return next(
                found.reason
                for _, found in verdicts
                if isinstance(found, reasons.Misfit)
            )
        for candidate, claim in fitting:
            if candidate is ordered[0]:
                self.assessment.keep(host_state, view, candidate, claim)
        return None

    def _limits_of(self, host_state):
        """Give what the claim is to hold itself to.

        Hosts with the same ratios share one object: nobody changes it.
        """
        ratios = (
            host_state.cpu_allocation_ratio,
            host_state.ram_allocation_ratio,
        )
        limits = self._limits.get(ratios)
        if limits is None:
            limits = objects.NUMATopologyLimits(
                cpu_allocation_ratio=ratios[0], ram_allocation_ratio=ratios[1]
            )
            spec_obj = self.spec_obj
            if 'network_metadata' in spec_obj and spec_obj.network_metadata:
                limits.network_metadata = spec_obj.network_metadata
            self._limits[ratios] = limits
        return limits

    def report(self) -> None:
        """Tell once why no host is left, grouped."""
        if not self.dropped or not LOG.isEnabledFor(std_logging.INFO):
            return
        more = self.dropped.more
        LOG.info(
            'No host is left for server %(server)s: %(why)s%(more)s',
            {
                'server': self.spec_obj.instance_uuid,
                'why': reasons.summarize(self.dropped.reasons()),
                'more': f'; {more} more hosts not looked into' if more else '',
            },
        )


def _explain(
    assessment: Assessment, reason: reasons.Reason | View
) -> reasons.Reason:
    """Give the reason; slower than finding out that there is one."""
    if not isinstance(reason, View):
        return reason
    try:
        return assessment.explain(reason)
    except Exception as error:
        return reasons.BadData(str(error))


def _needs_threads(spec_obj) -> bool:
    """Whether a guest may only run on hosts with sibling threads.

    Source: ``NUMATopologyFilter._satisfies_cpu_policy``.
    """
    extra_specs = spec_obj.flavor.extra_specs
    properties = spec_obj.image.properties if spec_obj.image else {}
    return fields.CPUAllocationPolicy.DEDICATED in (
        extra_specs.get('hw:cpu_policy'),
        properties.get('hw_cpu_policy'),
    ) and fields.CPUThreadAllocationPolicy.REQUIRE in (
        extra_specs.get('hw:cpu_thread_policy'),
        properties.get('hw_cpu_thread_policy'),
    )


def _warn_of_bad_data(host_state, error: str) -> None:
    LOG.warning(
        'Host %(host)s, node %(node)s is left out: the NUMA topology that it '
        'reports makes no sense (%(error)s). Restart its nova-compute and see '
        'its log.',
        {
            'host': host_state.host,
            'node': host_state.nodename,
            'error': error,
        },
    )
