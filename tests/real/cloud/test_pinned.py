"""Pinned servers, whose CPU is another's where they go."""

from xml.etree import ElementTree

FIRST, SECOND = 'compute1', 'compute2'


def test_a_server_whose_cpu_is_taken_gets_another(create, configure):
    # As many as the machine of the tests has at least.
    configure({}, {}, dedicated='0-1')
    moving, there = (
        create(post_copy='true', on=host, pinned=True)
        for host in (FIRST, SECOND)
    )
    for server in (moving, there):
        found = server.settled()
        assert found.status == 'ACTIVE', found.fault
    (taken,) = pinned(there)
    assert pinned(moving) == moving.cpus_of_threads() == {taken}
    move = moving.migrate().under_way().complete()
    assert move.ended().compute_host == SECOND
    assert move.has_switched
    assert moving.runs_on(SECOND)
    assert pinned(moving) == moving.cpus_of_threads() == {0, 1} - {taken}
    assert pinned(there) == there.cpus_of_threads() == {taken}


def pinned(server):
    """Give the CPUs that libvirt has a server's on."""
    domain = ElementTree.fromstring(server.xml())
    return {int(each.get('cpuset')) for each in domain.iter('vcpupin')}
