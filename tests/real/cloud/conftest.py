import pytest

from tests.real import hosts
from tests.real.cloud.computes import Compute
from tests.real.cloud.servers import Servers
from tests.services.cloud import Cloud
from tests.telling import teller

NAMES = ('compute1', 'compute2')


@pytest.fixture(scope='session')
def cloud(disk):
    """A cloud of two hosts with QEMU, and all of Nova with us."""
    directory = disk / 'cloud'
    directory.mkdir()
    with hosts.running(*NAMES, disk=disk, first=5) as running:
        made = Cloud(
            directory,
            [Compute(host, directory) for host in running.values()],
            schedulers=1,
        )
        try:
            made.start().become(ours=True)
            yield made
        finally:
            made.stop()


@pytest.fixture(scope='session')
def configure(cloud):
    """Have nova-compute of each host run with options, and no others."""

    def configure(*libvirt, ours=(True, True), dedicated=None):
        """Take what each host has in ``[libvirt]``, and whether it has us.

        :param dedicated: CPUs for pinned servers, as nova.conf has them
        """
        computes = list(cloud.nova.hosts.values())
        wanted = [
            (*pair, dedicated) for pair in zip(libvirt, ours, strict=True)
        ]
        if wanted == [compute.setup for compute in computes]:
            return
        for compute, setup in zip(computes, wanted, strict=True):
            compute.libvirt, compute.runs_ours, compute.dedicated = setup
        cloud.renew_hosts()

    return configure


@pytest.fixture(scope='session')
def tell(request):
    """Write a line where pytest does, now."""
    return teller(request.config)


@pytest.fixture(scope='session')
def servers(cloud, image):
    """What makes servers of our image."""
    return Servers(cloud, image)


@pytest.fixture(scope='module')
def create(cloud, servers):
    """Make servers; they are deleted with the module."""
    yield servers.create
    cloud.delete_servers()
