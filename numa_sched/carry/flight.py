"""One step under way: how it is followed to its end."""

import contextlib
import dataclasses

from numa_sched.carry.values import (
    Cloud,
    Ended,
    Fate,
    Migration,
    Seen,
    Task,
)
from numa_sched.exceptions import RefusedError, UnansweredError

# Of Nova's migrations: those that have come to no good end.
FAILED = ('error', 'failed', 'cancelled', 'reverted')
# A live migration's, and a cold one's once it is confirmed.
COMPLETED = ('completed', 'done', 'confirmed')
AWAITS_CONFIRMATION = 'finished'

MOST_CONFIRMATIONS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    ``between`` two looks at what is under way; ``nothing`` for a migration to
    appear where none has, and for a server to come to rest after one;
    ``silence`` for an API that does not answer.
    """

    between: float = 2.0
    nothing: float = 30.0
    silence: float = 600.0


DEFAULT_PATIENCE = Patience()


class Flight:
    """A step that has begun, or may have.

    ``before`` is the id of the newest migration that the server had before.
    ``doubt`` is why it may not have begun, '' where the cloud has agreed.
    """

    def __init__(
        self, task: Task, before: int, doubt: str, now: float, p: Patience
    ):
        """Begin to follow it at a time."""
        self.task, self.before, self.doubt = task, before, doubt
        self._patience = p
        self._answered = self._moving = now
        self._confirmations = 0

    def look(self, cloud: Cloud, now: float) -> Ended | None:
        """Give how it has ended, None as long as it goes on.

        A cold migration that awaits confirmation is confirmed.
        """
        try:
            seen = cloud.server(self.task.uuid)
            if seen is None:
                return Ended(Fate.GONE, 'the server was deleted meanwhile')
            own = self._own(cloud)
            ended = self._judge(cloud, seen, own, now)
            self._answered = now
            return ended
        except (RefusedError, UnansweredError) as error:
            silent = now - self._answered
            if silent < self._patience.silence:
                return None
            return Ended(
                Fate.UNKNOWN, f'for {silent:.0f} s this is said: {error}'
            )

    def _own(self, cloud: Cloud) -> Migration | None:
        """Give the migration that this step has begun, if there is one."""
        since = [
            each
            for each in cloud.migrations(self.task.uuid)
            if each.id > self.before
        ]
        # What came after it is somebody else's.
        return min(since, key=lambda each: each.id, default=None)

    def _judge(
        self, cloud: Cloud, seen: Seen, own: Migration | None, now: float
    ) -> Ended | None:
        status = own.status if own else ''
        if seen.vm_state == 'error' and seen.task_state is None:
            why = seen.fault or cloud.why_failed(self.task.uuid)
            return Ended(Fate.FAILED, f'the server is in error: {why}')
        if status == AWAITS_CONFIRMATION and not self.task.live:
            return self._confirm(cloud, seen)
        # Written one after the other when a migration ends; a confirmed one
        # is so before its server is at rest.
        resting = seen.task_state is None and seen.vm_state != 'resized'
        if (own and status not in (*FAILED, *COMPLETED)) or (
            own is None and not resting
        ):
            self._moving = now
            return None
        if not resting or own is None:
            if now - self._moving < self._patience.nothing:
                return None
            if own is None and self.doubt:
                return Ended(Fate.REFUSED, self.doubt)
            if own is None:
                why = f'nothing came of it{_because(cloud, self)}'
                return Ended(Fate.FAILED, why)
        if seen.host == self.task.destination and status in COMPLETED:
            return Ended(Fate.DONE)
        if status in COMPLETED:
            return Ended(Fate.FAILED, f'it is on {seen.host} after all')
        return Ended(
            Fate.FAILED,
            f'its migration has the status {status}{_because(cloud, self)}',
        )

    def _confirm(self, cloud: Cloud, seen: Seen) -> Ended | None:
        if seen.vm_state != 'resized' or seen.task_state is not None:
            return None
        if self._confirmations == MOST_CONFIRMATIONS:
            return Ended(
                Fate.FAILED,
                'it has moved and awaits confirmation, which the cloud does '
                f'not take: openstack server migration confirm '
                f'{self.task.uuid}',
            )
        self._confirmations += 1
        # Somebody else may have confirmed it, or reverted.
        with contextlib.suppress(RefusedError, UnansweredError):
            cloud.confirm(self.task.uuid)
        return None


def _because(cloud: Cloud, flight: Flight) -> str:
    try:
        why = cloud.why_failed(flight.task.uuid)
    except (RefusedError, UnansweredError):
        why = ''
    return f': {why}' if why else ''
