"""What operators ask about a fleet: why not, where to, how much is left.

Pure: a fleet and a request in, values out. Fit, destinations and ranking are
those that the scheduler goes by.
"""

from numa_sched.answers.capacity import Capacities, Room, capacities
from numa_sched.answers.explain import Explanation, Verdict, explain
from numa_sched.answers.order import Overtaking, overtakings
from numa_sched.answers.rank import Place, rank
from numa_sched.answers.request import (
    Move,
    Request,
    find_flavor,
    find_host,
    find_server,
    like_server,
    of_flavor,
    of_server,
)

__all__ = [
    'Capacities',
    'Explanation',
    'Move',
    'Overtaking',
    'Place',
    'Request',
    'Room',
    'Verdict',
    'capacities',
    'explain',
    'find_flavor',
    'find_host',
    'find_server',
    'like_server',
    'of_flavor',
    'of_server',
    'overtakings',
    'rank',
]
