"""Requests that find no host, and what is told of them."""

import datetime
import itertools
import logging

from nova.scheduler.filters import BaseHostFilter, HostFilterHandler

from numa_sched.history import refused, ring
from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.destination import MigrationDestinationFilter
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from numa_sched.nova.scheduler.word import Word
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import (
    PINNED,
    make_host_state,
    make_request,
)

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
TIMES = (LONG_AGO + datetime.timedelta(number) for number in itertools.count())


class Quiet(Word):
    """Looks at its requests only when it is told to."""

    def _start(self):
        pass


def told(left, path):
    """Give what is told of all requests that are over by now."""
    left.round()
    try:
        return list(map(refused.loads, ring.lines(path)))
    except Exception:
        return []


def request(specs=PINNED, **fields):
    made = make_request(specs, **fields)
    made.flavor.name = 'pinned'
    made.project_id = 'project'
    return made


class Other(BaseHostFilter):
    """Somebody else's filter, which drops hosts by their names."""

    RUN_ON_REBUILD = True

    def __init__(self, *names):
        super().__init__()
        self.names = names

    def host_passes(self, host_state, spec_obj):
        return host_state.host not in self.names


def ask(left, spec, hosts, *, begun=True, before=(), after=(), last=True):
    """Have Nova ask filters; give the hosts left.

    :param before: the hosts that a filter before ours drops
    :param after: those that one drops between ours
    :param last: whether the second of ours is asked
    """
    if begun:
        left.begin(spec)
    filters = [
        Other(*before),
        NUMAFitFilter(left_word=left),
        Other(*after),
    ]
    if last:
        filters.append(MigrationDestinationFilter(left_word=left))
    return HostFilterHandler().get_filtered_objects(filters, hosts, spec)


def hosts(**cpus):
    return [
        make_host_state(
            make_host(make_cell(cpus=count, pages=((4, 2**20),)), name=name),
            uuid=name,
            updated=next(TIMES),
        )
        for name, count in cpus.items()
    ]


def log_no_candidates():
    """As Nova does where placement gives none."""
    logging.getLogger('nova.scheduler.manager').info(
        'Got no allocation candidates from the Placement API. '
        'This could be due to insufficient resources or a '
        'temporary occurrence as compute nodes start up.'
    )


def warnings(caplog, level='WARNING'):
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == level and record.name == word.__name__
    ]
