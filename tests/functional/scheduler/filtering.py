"""Filters asked about one host, ours and Nova's."""

import pytest
from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter

from numa_sched.nova.scheduler.filters import NUMAFitFilter

BOTH = pytest.mark.parametrize(
    'filter_class', [NUMATopologyFilter, NUMAFitFilter]
)


def passes(host_state, request, filter_class=NUMAFitFilter):
    """Whether a filter leaves a host over."""
    return bool(list(filter_class().filter_all([host_state], request)))
