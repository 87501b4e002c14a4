"""What is told of a request for several servers."""

import pytest

from tests.functional.scheduler.word.asking import ask, hosts, request, told


class Several:
    """A request for several servers, one after the other."""

    def __init__(self, left, hosts):
        self.left, self.hosts = left, hosts
        self.spec = request(vcpus=2)
        self.first = self.spec.instance_uuid
        left.begin(self.spec)

    def place(self, server, **dropped):
        """Give the host that is taken, None if there is none."""
        self.spec.instance_uuid = server
        found = ask(self.left, self.spec, self.hosts, begun=False, **dropped)
        if found:
            found[0].consume_from_request(self.spec)
        return found[0] if found else None

    def alternates(self, **dropped):
        return ask(self.left, self.spec, self.hosts, begun=False, **dropped)


EVERYWHERE = ['one', 'two']


@pytest.mark.parametrize(
    'dropped',
    [{}, {'before': EVERYWHERE}, {'after': EVERYWHERE}],
    ids=['by ours', 'before ours', 'after ours'],
)
@pytest.mark.parametrize('last', [True, False], ids=['both', 'one of ours'])
def test_servers_are_not_refused_because_there_is_no_alternate(
    left, path, dropped, last
):
    several = Several(left, hosts(one=2, two=2))
    for server in (several.first, 'b'):
        assert several.place(server, last=last)
    assert several.alternates(**dropped, last=last) == []
    left.begin(request())
    assert told(left, path) == []


@pytest.mark.parametrize(
    'dropped', [{'before': EVERYWHERE}, {'after': EVERYWHERE}]
)
def test_of_several_servers_another_filter_leaves_no_host_to_one(
    left, path, dropped
):
    several = Several(left, hosts(one=4, two=4))
    assert several.place(several.first)
    assert several.place('b', **dropped) is None
    (found,) = told(left, path)
    assert (found.server, found.first) == ('b', several.first)
    assert found.why == 'Other left no host'


def test_of_several_servers_the_one_without_a_host_is_told(left, path):
    several = Several(left, hosts(one=4))
    for server in (several.first, 'b'):
        assert several.place(server)
    assert several.place('c') is None
    (found,) = told(left, path)
    assert (found.server, found.first) == ('c', several.first)
    assert found.why == 'NUMAFitFilter left no host'
    assert [each.host for each in found.hosts] == ['one']
