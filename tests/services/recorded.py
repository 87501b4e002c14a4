"""Hosts whose machines were recorded, as a cloud is told of them."""

import dataclasses
import pathlib
import sys

from tests import checkout
from tests.services import compute

# Services run what was installed; the checkout comes after that.
COMPUTE = (
    f'import sys; sys.path.append({str(checkout.ROOT)!r}); '
    'from tests.services import compute; compute.main()'
)


@dataclasses.dataclass(frozen=True)
class Host:
    """A host with Nova's fake libvirt, in a cloud in a directory."""

    name: str
    directory: pathlib.Path
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
        return {compute.SHARED: str(shared)}

    def settings(self):
        """Give what its nova.conf has that others have not."""
        dedicated, shared = compute.cpu_sets(self.name)
        return {
            'compute': {
                'cpu_dedicated_set': listed(dedicated),
                'cpu_shared_set': listed(shared),
            }
        }


def hosts(directory):
    """Give all hosts, for a cloud in a directory."""
    return [Host(name, directory) for name in compute.HOSTS]


def listed(cpus):
    """Give CPUs as nova.conf has them."""
    return ','.join(map(str, sorted(cpus)))
