"""One worker of nova-scheduler, as a process that is asked through a pipe."""

import gc
import logging
import os
import pathlib
import pickle
import resource
import subprocess
import sys
import time
from typing import Any

from nova import config, objects
from nova import context as nova_context
from nova.scheduler import manager
from nova.scheduler.client import report

from benchmarks.scheduler.groups import Groups

ROOT = pathlib.Path(__file__).parents[2]


class Placement:
    """Answers from memory: every host has room."""

    def __init__(self) -> None:
        self.hosts: list[str] = []

    def get_allocation_candidates(self, context, resources):
        """Give a candidate for each host; none to the second question."""
        wanted = resources.get_request_group(None).resources
        if 'PCPU' not in wanted and resources.cpu_pinning_requested:
            return [], {}, '1.36'
        candidates = [
            {
                'allocations': {host: {'resources': dict(wanted)}},
                'mappings': {'': [host]},
            }
            for host in self.hosts
        ]
        summaries = {
            host: {
                'resources': {
                    name: {'capacity': 10**6, 'used': 0} for name in wanted
                },
                'traits': [],
                'parent_provider_uuid': None,
                'root_provider_uuid': host,
            }
            for host in self.hosts
        }
        return candidates, summaries, '1.36'

    def claim_resources(self, *args, **kwargs):
        """Have room."""
        return True

    def delete_allocation_for_instance(self, *args, **kwargs):
        """Forget what was never kept."""


class Worker:
    """What the process does; each public method is one question."""

    def __init__(self, path: str, *, watched: bool):
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger().addHandler(logging.NullHandler())
        config.parse_args(['nova-scheduler', '--config-file', path])
        objects.register_all()
        objects.Service.enable_min_version_cache()
        self._told_time = time.time()
        if watched:
            # So that two workers of which one is slower decide alike.
            time.time = time.monotonic = lambda: self._told_time
        self._placement = Placement()
        report.PLACEMENTCLIENT = self._placement
        self._manager = manager.SchedulerManager()
        self._serializer = objects.base.NovaObjectSerializer()
        self._context = nova_context.RequestContext(
            'somebody', 'somebody', is_admin=False
        )
        self._groups: Groups | None = None
        self._consumed: list[Any] = []
        if watched:
            self._watch()
            gc.freeze()

    def hosts(self, uuids, names) -> None:
        """Have hosts in placement; their nova-computes tell of no server."""
        self._placement.hosts = list(uuids)
        # What comes of it once they have told twice.
        self._manager.host_manager._instance_info.update(
            {name: {'instances': {}, 'updated': True} for name in names}
        )

    def group(self) -> None:
        """Tell from now on what time goes into."""
        self._groups = Groups()

    def _watch(self) -> None:
        """Tell from now on what is claimed on host states, too."""
        stock = manager.host_manager.HostState.consume_from_request

        def consume(state, spec):
            stock(state, spec)
            self._consumed.append(
                [
                    state.host,
                    spec.numa_topology and spec.numa_topology._to_json(),
                    state.numa_topology and state.numa_topology._to_json(),
                    state.vcpus_used,
                    state.free_ram_mb,
                ]
            )

        manager.host_manager.HostState.consume_from_request = consume

    def forget(self) -> None:
        """Forget hosts, as after a start."""
        if 'numa_sched.nova.scheduler.views' in sys.modules:
            from numa_sched.nova import convert
            from numa_sched.nova.scheduler.views import VIEWS

            VIEWS.__init__()
            convert._LAYOUTS.clear()
            convert._CPUS.clear()

    def decide(self, asked) -> dict[str, Any]:
        """Give what a decision was and what it took, in milliseconds."""
        spec = self._serializer.deserialize_entity(self._context, asked.spec)
        self._consumed.clear()
        self._told_time += 1
        if self._groups:
            self._groups.begin()
        cpu, wall = time.process_time(), time.perf_counter()
        try:
            found = self._manager.select_destinations(
                self._context,
                spec_obj=spec,
                instance_uuids=list(asked.servers),
                return_objects=True,
                return_alternates=asked.alternates,
            )
        except Exception as error:
            found = f'{type(error).__name__}: {error}'
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        groups = self._groups.end() if self._groups else {}
        if not isinstance(found, str):
            found = [
                [each.obj_to_primitive() for each in selected]
                for selected in found
            ]
        return {
            'cpu': cpu * 1e3,
            'wall': wall * 1e3,
            'groups': groups,
            'found': found,
            'claims': list(self._consumed),
        }

    def memory(self) -> dict[str, float]:
        """Give MiB: most ever, and now, after a collection."""
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        now = _rss()
        gc.collect()
        return {'most': most, 'now': now, 'collected': _rss()}

    def leaves_unread(self) -> bool:
        """Whether topologies of hosts are left unread."""
        try:
            objects.NUMATopology.obj_from_db_obj('no topology')
        except ValueError:
            return False
        return True

    def call(self, function, *arguments) -> Any:
        """Call a function of a module, to see what comes of it."""
        return function(*arguments)


def _rss() -> float:
    with open('/proc/self/statm') as statm:
        pages = int(statm.read().split()[1])
    return pages * resource.getpagesize() / 2**20


class Process:
    """A worker from outside: its questions are methods of this, too."""

    def __init__(self, path, *, watched=False):
        """Start one, as a nova.conf says.

        :param watched: whether it tells what it claims on host states, and
            has a second go by with each decision rather than by the clock
        """
        self._process = subprocess.Popen(
            [
                sys.executable,
                '-m',
                'benchmarks.scheduler.worker',
                str(path),
                'watched' if watched else '',
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nova keeps hosts in sets: the order in all workers is the same.
            env={**os.environ, 'PYTHONHASHSEED': '0'},
        )
        self._read()

    def __getattr__(self, name):
        """Give a question to ask."""

        def ask(*arguments):
            pickle.dump((name, arguments), self._process.stdin)
            self._process.stdin.flush()
            return self._read()

        return ask

    def _read(self):
        answer = pickle.load(self._process.stdout)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __enter__(self):
        """Give it."""
        return self

    def __exit__(self, *error):
        """End it."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def main() -> None:
    """Answer until there are no more questions."""
    answers = os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)
    worker = Worker(sys.argv[1], watched=bool(sys.argv[2]))

    def answer(given):
        pickle.dump(given, answers)
        answers.flush()

    answer(None)
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer(getattr(worker, name)(*arguments))
        except Exception as error:
            answer(RuntimeError(repr(error)))


if __name__ == '__main__':
    main()
