"""Whether what a step relies on still is so."""

from numa_sched.carry.values import Cloud, Ended, Fate, Seen, Service, Task
from numa_sched.plan.moving import COLD_STATES, LIVE_STATES


def before(task: Task, cloud: Cloud) -> Ended | None:
    """Give why a step is not to begin, None if it may.

    :raises RefusedError: if the cloud does not tell
    :raises UnansweredError: if it does not answer
    """
    seen = cloud.server(task.uuid)
    if seen is None:
        return Ended(Fate.GONE, 'the server is not there any more')
    if arrived(task, seen):
        return Ended(Fate.DONE, 'it was there already')
    why = of_server(task, seen) or of_destination(
        task, cloud.service(task.destination)
    )
    return Ended(Fate.CHANGED, why) if why else None


def arrived(task: Task, seen: Seen) -> bool:
    """Whether a server is where it is to be, and at rest."""
    return (
        seen.host == task.destination
        and seen.task_state is None
        and seen.vm_state in (*LIVE_STATES, *COLD_STATES)
    )


def of_server(task: Task, seen: Seen) -> str | None:
    """Give what of a server is other than planned, in a sentence."""
    if seen.host != task.source:
        return f'it is on {seen.host}, not on {task.source}'
    if seen.task_state is not None:
        return f'it is busy: {seen.task_state}'
    states = LIVE_STATES if task.live else COLD_STATES
    if task.vm_state is not None and seen.vm_state != task.vm_state:
        return f'it is {seen.vm_state}, and was {task.vm_state}'
    if seen.vm_state not in states:
        return f'it is in the state {seen.vm_state}'
    if seen.locked:
        return 'it is locked'
    if seen.shape.differs(task.shape):
        return f'it has been resized, to flavor {seen.shape.name}'
    return None


def of_destination(task: Task, service: Service | None) -> str | None:
    """Give why a destination does not do, in a sentence."""
    if service is None:
        return f'there is no nova-compute on {task.destination}'
    if not service.up:
        return f'nova-compute of {task.destination} is down'
    if not service.enabled:
        return f'nova-compute of {task.destination} is disabled'
    return None
