"""Plans: which servers to move, in what order, for what end.

Pure: a fleet in, a plan out. What a host takes, and which cells a claim gets
there, is asked of :mod:`numa_sched.answers`.
"""

from numa_sched.plan.drain import Drain, drain
from numa_sched.plan.keep import KeptRoom, Target, keep_room
from numa_sched.plan.replay import after
from numa_sched.plan.room import MadeRoom, Outcome, make_room
from numa_sched.plan.values import Limits, Stay, Step, Terms, Waves, waves

__all__ = [
    'Drain',
    'KeptRoom',
    'Limits',
    'MadeRoom',
    'Outcome',
    'Stay',
    'Step',
    'Target',
    'Terms',
    'Waves',
    'after',
    'drain',
    'keep_room',
    'make_room',
    'waves',
]
