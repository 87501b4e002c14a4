"""A cloud that answers as a script has it, and tells what it was asked."""

import collections
import dataclasses

from numa_sched.carry import (
    Means,
    Memory,
    Migration,
    Patience,
    Seen,
    Service,
    Session,
    Shape,
    Task,
)
from numa_sched.exceptions import (
    OutputError,
    RefusedError,
    UnansweredError,
)

SMALL = Shape('small', 2, 1024, {})
UP = Service(up=True, enabled=True)

REFUSED = RefusedError('HTTP 409: it is busy', 409)
NEVER = RefusedError('HTTP 400: no such host', 400)
SILENT = UnansweredError('HTTP 500: oops')


def make_task(number=1, name='web', source='a', destination='b', **fields):
    """Give a step; its server's UUID is its name."""
    return Task(
        number,
        fields.pop('uuid', name),
        name,
        fields.pop('live', True),
        source,
        destination,
        fields.pop('shape', SMALL),
        fields.pop('vm_state', 'active'),
        memory_mb=fields.pop('memory_mb', 1024),
        **fields,
    )


def seen(host='a', vm_state='active', task_state=None, **fields):
    """Give a server as a cloud shows it."""
    return Seen(
        host,
        vm_state,
        task_state,
        fields.pop('locked', False),
        fields.pop('shape', SMALL),
        **fields,
    )


class Clock:
    """A clock that only goes on while somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.at_sleep = collections.defaultdict(list)

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        for do in self.at_sleep.pop(self.now, ()):
            do()


class ScriptedCloud:
    """Migrations take two looks, or as many as ``looks`` tells.

    They complete, unless ``scripts`` have it otherwise. A script is what comes
    of a request to migrate a server, first of the first: an error to raise;
    or a word for how the migration ends.
    """

    def __init__(self, *tasks):
        self.servers = {task.uuid: seen(task.source) for task in tasks}
        self.services = {task.destination: UP for task in tasks}
        self.scripts = collections.defaultdict(list)
        self.asked = []
        self.most_at_once = 0
        self.looks = 2
        self.silent = False
        self._moves = collections.defaultdict(list)
        self._going = {}

    def _answer(self):
        if self.silent:
            raise SILENT

    def server(self, uuid):
        self._answer()
        if uuid in self._going:
            self._going[uuid][0] -= 1
            if not self._going[uuid][0]:
                self._finish(uuid, *self._going.pop(uuid)[1:])
        return self.servers.get(uuid)

    def service(self, host):
        self._answer()
        return self.services.get(host)

    def migrations(self, uuid):
        self._answer()
        return [
            Migration(number, status)
            for number, status in enumerate(self._moves[uuid], 1)
        ]

    def memory(self, uuid):
        return Memory(1024, 512) if uuid in self._going else None

    def why_failed(self, uuid):
        return 'no reason'

    def migrate(self, task):
        self.asked.append((task.name, task.destination))
        scripts = self.scripts[task.name]
        script = scripts.pop(0) if scripts else 'completes'
        if isinstance(script, Exception):
            raise script
        self._moves[task.uuid].append('running')
        self.change(task.uuid, task_state='migrating')
        self._going[task.uuid] = [self.looks, task, script]
        self.most_at_once = max(self.most_at_once, len(self._going))
        if script == 'completes without an answer':
            raise SILENT

    def confirm(self, uuid):
        self.asked.append((uuid, 'confirm'))
        scripts = self.scripts[f'confirm {uuid}']
        if scripts:
            raise scripts.pop(0)
        # Nova writes down that it is, and what has come of it thereafter.
        self._moves[uuid][-1] = 'confirmed'
        self._going[uuid] = [2, None, 'is confirmed']

    def change(self, uuid, **fields):
        """Have a server be otherwise from now on."""
        self.servers[uuid] = dataclasses.replace(self.servers[uuid], **fields)

    def note(self, uuid, status):
        """Have a migration of a server be known, of somebody's."""
        self._moves[uuid].append(status)

    def _finish(self, uuid, task, script):
        if uuid not in self.servers:
            return
        if script == 'lingers':
            # Nova writes down that it is over, and some time later the rest.
            self._moves[uuid][-1] = 'completed'
            self._going[uuid] = [2, task, 'completes']
        elif script == 'fails':
            self._moves[uuid][-1] = 'error'
            self.change(uuid, task_state=None)
        elif script == 'breaks':
            self._moves[uuid][-1] = 'error'
            self.change(
                uuid, task_state=None, vm_state='error', fault='it is lost'
            )
        elif script == 'strays':
            self._moves[uuid][-1] = 'completed'
            self.change(uuid, task_state=None, host='elsewhere')
        elif script == 'is confirmed':
            self.change(uuid, vm_state='stopped')
        elif script == 'is deleted':
            del self.servers[uuid]
        elif task.live:
            self._moves[uuid][-1] = 'completed'
            self.change(uuid, task_state=None, host=task.destination)
        else:
            self._moves[uuid][-1] = 'finished'
            self.change(
                uuid,
                task_state=None,
                host=task.destination,
                vm_state='resized',
            )


class Lines(list):
    """A journal that keeps its lines; writing can be made to fail."""

    fails_at = None
    fails_from = 1

    def write(self, event, **more):
        if self.fails_at == event:
            self.fails_from -= 1
            if self.fails_from <= 0:
                raise OutputError('journal: no space left')
        self.append({'event': event, **more})

    def events(self):
        return [line['event'] for line in self]

    def fates(self):
        return [line['fate'] for line in self if line['event'] == 'end']


class Notes(list):
    """A watcher that keeps what it hears."""

    def began(self, task):
        self.append(('began', task.name))

    def copied(self, task, memory):
        self.append(('copied', task.name, memory.remaining_mb))

    def ended(self, task, ended):
        self.append((ended.fate.value, task.name))


class Stage:
    """All that it takes to have steps carried out."""

    def __init__(self, *tasks, **means):
        self.cloud = ScriptedCloud(*tasks)
        self.journal, self.notes, self.clock = Lines(), Notes(), Clock()
        self.means = Means(
            self.cloud,
            self.journal,
            self.notes,
            Patience(between=1.0, nothing=5.0, silence=20.0),
            clock=self.clock,
            sleep=self.clock.sleep,
            **means,
        )

    def session(self, *args, **kwargs):
        return Session(self.means, *args, **kwargs)
