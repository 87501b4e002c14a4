"""What the time of a decision goes into."""

import functools
import gc
import inspect
import time
from collections import Counter

from nova import filters, objects, weights
from nova.objects import numa
from nova.scheduler import host_manager, request_filter
from nova.scheduler.filters import numa_topology_filter

REST = 'the rest'
COLLECTOR = "Python's collector"
OURS = 'this package'


class Groups:
    """Milliseconds of the processor by group; each belongs to one group.

    Time in a thread that another one waits for counts as that one's.
    """

    def __init__(self):
        """Begin to listen: parts of Nova are wrapped, for good."""
        self._spent = Counter()
        self._stack = [REST]
        self._since = 0.0
        wrap = self._wrap
        for owner, name in (
            (objects.ComputeNodeList, 'get_all_by_uuids'),
            (objects.ServiceList, 'get_by_binary'),
        ):
            wrap(owner, name, 'rows to objects')
        wrap(host_manager.HostState, 'update', 'host states')
        wrap(numa.NUMATopology, 'obj_from_db_obj', 'NUMATopology from JSON')
        wrap(
            numa_topology_filter.NUMATopologyFilter,
            'host_passes',
            'NUMA filter',
        )
        wrap(
            filters.BaseFilterHandler, 'get_filtered_objects', 'other filters'
        )
        wrap(
            weights.BaseWeightHandler, 'get_weighed_objects', "Nova's weighers"
        )
        wrap(host_manager.HostState, 'consume_from_request', 'host states')
        try:
            from numa_sched.nova.scheduler import filters as our_filters
            from numa_sched.nova.scheduler import weighers
        except ImportError:
            pass
        else:
            wrap(our_filters.NUMAFitFilter, 'filter_all', OURS)
            wrap(our_filters.MigrationDestinationFilter, 'filter_all', OURS)
            wrap(weighers.NUMAFitWeigher, 'weigh_objects', OURS)
        request_filter.ALL_REQUEST_FILTERS[:] = [
            self._wrapped(each, OURS)
            if each.__module__.startswith('numa_sched')
            else each
            for each in request_filter.ALL_REQUEST_FILTERS
        ]
        gc.callbacks.append(self._collecting)

    def begin(self):
        """Begin with a decision."""
        self._spent.clear()
        self._since = time.process_time()

    def end(self):
        """Give milliseconds by group since the beginning."""
        self._mark()
        return {name: spent * 1e3 for name, spent in self._spent.items()}

    def _mark(self):
        now = time.process_time()
        self._spent[self._stack[-1]] += now - self._since
        self._since = now

    def _enter(self, name):
        self._mark()
        self._stack.append(name)

    def _leave(self):
        self._mark()
        self._stack.pop()

    def _collecting(self, phase, info):
        if phase == 'start':
            self._enter(COLLECTOR)
        else:
            self._leave()

    def _wrap(self, owner, name, group):
        there = inspect.getattr_static(owner, name)
        if isinstance(there, classmethod):
            wrapped = classmethod(self._wrapped(there.__func__, group))
        else:
            wrapped = self._wrapped(there, group)
        setattr(owner, name, wrapped)

    def _wrapped(self, function, group):
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generating(*args, **kwargs):
                # What it is given may be a generator of somebody else's.
                given = iter(function(*args, **kwargs))
                while True:
                    self._enter(group)
                    try:
                        each = next(given)
                    except StopIteration:
                        return
                    finally:
                        self._leave()
                    yield each

            return generating

        @functools.wraps(function)
        def called(*args, **kwargs):
            self._enter(group)
            try:
                return function(*args, **kwargs)
            finally:
                self._leave()

        return called
