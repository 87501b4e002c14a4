"""Plans carried out: step by step, looked at before and followed to the end.

Pure but for the cloud and the journal that it is given, which are protocols:
what a cloud shows goes in as values, what is asked of it comes out as calls.
"""

from numa_sched.carry.budget import Budget, LastHour, Quiet
from numa_sched.carry.flight import Patience
from numa_sched.carry.session import (
    MOST_PLANS,
    Avoid,
    Replan,
    Report,
    Session,
)
from numa_sched.carry.values import (
    Cloud,
    Ended,
    Fate,
    Memory,
    Migration,
    Planned,
    Seen,
    Service,
    Shape,
    Task,
    Tasks,
    tasks,
)
from numa_sched.carry.wave import Means, Watcher

__all__ = [
    'MOST_PLANS',
    'Avoid',
    'Budget',
    'Cloud',
    'Ended',
    'Fate',
    'LastHour',
    'Means',
    'Memory',
    'Migration',
    'Patience',
    'Planned',
    'Quiet',
    'Replan',
    'Report',
    'Seen',
    'Service',
    'Session',
    'Shape',
    'Task',
    'Tasks',
    'Watcher',
    'tasks',
]
