"""Hosts whose machines were recorded, as a cloud is told of them."""

import dataclasses
import json
import pathlib
import sys

from tests import checkout
from tests.services import compute
from tests.services.nova import THREADS

# Services run what was installed; the checkout comes after that.
COMPUTE = (
    f'import sys; sys.path.append({str(checkout.ROOT)!r}); '
    'from tests.services import compute; compute.main()'
)


@dataclasses.dataclass
class Host:
    """A host with Nova's fake libvirt, in a cloud in a directory.

    :param release: where an older Nova is, which it has not been upgraded
        from
    :param lends_devices: whether servers may have the devices of its machine
    """

    name: str
    directory: pathlib.Path
    release: pathlib.Path | None = None
    lends_devices: bool = False
    # Whether it has us where the cloud has.
    runs_ours = True

    @property
    def command(self):
        """What runs nova-compute there, without its arguments."""
        return (sys.executable, '-P', '-c', COMPUTE, self.name)

    @property
    def environment(self):
        """What nova-compute needs in its environment."""
        shared = self.directory / 'shared'
        shared.mkdir(exist_ok=True)
        found = {compute.SHARED: str(shared)}
        if self.release:
            found['PYTHONPATH'] = str(self.release)
            # Its threads are eventlet's.
            found |= dict.fromkeys(THREADS, 'false')
        return found

    def settings(self):
        """Give what its nova.conf has that others have not."""
        dedicated, shared = compute.cpu_sets(self.name)
        found = {
            'compute': {
                'cpu_dedicated_set': listed(dedicated),
                'cpu_shared_set': listed(shared),
            }
        }
        if self.lends_devices:
            found['pci'] = {'device_spec': compute.DEVICES}
        return found


def hosts(directory):
    """Give all hosts, for a cloud in a directory."""
    return [Host(name, directory) for name in compute.HOSTS]


def moves_of(directory, server):
    """Give the live migrations of a server in a cloud in a directory.

    As lists: its destination, and whether it had auto-converge and post-copy.
    """
    made = directory / 'shared' / compute.MOVES
    moves = map(json.loads, made.read_text().splitlines())
    return [move[1:] for move in moves if move[0] == server]


def listed(cpus):
    """Give CPUs as nova.conf has them."""
    return ','.join(map(str, sorted(cpus)))
