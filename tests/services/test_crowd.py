"""Ten ask at a time, through two schedulers, until the cloud is full."""

import json

from tests.services.load import Load

CPUS = 8
# More than there is room for, so that the last of them are refused.
TOO_MANY = 6


def room(cloud):
    """Give how many more servers have room, as ``numa-sched`` counts."""
    (told,) = json.loads(
        cloud.tool('capacity', f'--flavor=pinned.{CPUS}', '-f', 'json')
    )
    return told['Servers']


def fill(cloud):
    """Ask for more than there is room for; give the load and its ends."""
    load = Load(cloud, cloud.server_of(CPUS))
    load.ask(room(cloud) + TOO_MANY)
    return load, load.settle()


def test_servers_get_all_the_room_that_is_told_and_no_more(cloud):
    cloud.become(ours=True)
    before = room(cloud)
    try:
        load, ends = fill(cloud)
        assert not load.errors
        assert not ends['lost']
        assert len(ends['ACTIVE']) == before
        assert len(ends['ERROR']) == TOO_MANY
        assert room(cloud) == 0
        assert not cloud.leaks()
        assert not cloud.our_errors()
    finally:
        cloud.delete_servers()
    assert room(cloud) == before
