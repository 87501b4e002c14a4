"""What fails of a cloud while servers are asked for, and what came of it."""

import dataclasses
import threading
import time

from tests.services.load import Load
from tests.services.processes import wait_for

REQUESTS = 16
EVERY_SECONDS = 0.5
BEFORE_SECONDS = 3
DOWN_SECONDS = 6
CPUS = 4
# Longer than an answer that never comes is waited for.
SETTLED_SECONDS = 75

# What fails, and how; it is started again after a while.
FAULTS = {
    'a scheduler killed': ('scheduler', 'kill'),
    'RabbitMQ restarted': ('rabbitmq', 'stop'),
    'MariaDB restarted': ('mariadb', 'stop'),
    'Placement stopped': ('placement', 'stop'),
    'Glance killed': ('glance', 'kill'),
    'Glance stopped': ('glance', 'stop'),
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of requests that were made around a fault.

    ``lost`` were accepted and have come to nothing, neither a server nor an
    error; ``seconds`` passed from when all was there again until a new server
    was active.
    """

    fault: str
    ours: bool
    asked: int
    refused: int
    failed: int
    lost: int
    leaked: int
    seconds: float

    @property
    def cells(self):
        """Give it as a row of a table, without the fault."""
        return (
            'with us' if self.ours else 'stock',
            *(self.refused, self.failed, self.lost, self.leaked),
            f'{self.seconds:.0f}',
        )


def provoke(cloud, fault):
    """Have something fail while servers are asked for; give the outcome."""
    name, way = FAULTS[fault]
    process = (
        cloud.nova.schedulers[0]
        if name == 'scheduler'
        else getattr(cloud, name)
    )
    load = Load(cloud, cloud.server_of(CPUS))
    asking = threading.Thread(
        target=load.ask, args=(REQUESTS,), kwargs={'every': EVERY_SECONDS}
    )
    asking.start()
    time.sleep(BEFORE_SECONDS)
    getattr(process, way)()
    time.sleep(DOWN_SECONDS)
    process.start().ready()
    seconds = _until_answered(cloud)
    asking.join()
    ends = load.settle(SETTLED_SECONDS)
    outcome = Outcome(
        fault,
        bool(cloud.ours),
        asked=REQUESTS,
        refused=load.errors.total(),
        failed=len(ends['ERROR']),
        lost=len(ends['lost']),
        leaked=len(cloud.leaks()),
        seconds=seconds,
    )
    cloud.delete_servers()
    return outcome


def _until_answered(cloud):
    """Give the seconds until a server that is asked for becomes active."""
    begin = time.monotonic()

    def one_gets_active():
        load = Load(cloud, cloud.server_of(CPUS), at_once=1).ask(1)
        return load.settle(SETTLED_SECONDS)['ACTIVE']

    wait_for('an answer', one_gets_active)
    return time.monotonic() - begin


def table(outcomes):
    """Give the outcomes as a table of reStructuredText."""
    rows = [
        ('fault', 'Nova', 'refused', 'errors', 'lost', 'leaked', 'seconds'),
        *((each.fault, *map(str, each.cells)) for each in outcomes),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        '  '.join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    rule = '  '.join('=' * width for width in widths)
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule])
