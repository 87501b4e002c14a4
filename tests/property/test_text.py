"""The text of a topology, as we read it, against Nova's own reading.

Where Nova reads a host we must read the same host of the text, and where it
cannot we must not either. The text of a usual host must never need Nova.
"""

import copy
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numa_sched.nova import columns, convert, unread
from tests import restore
from tests.builders import make_cell, make_host
from tests.functional.scheduler.requests import make_host_state
from tests.property.strategies import hosts, real_hosts

ODD = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    2**70,
    float('nan'),
    '',
    '1',
    'odd',
    '1.0',
    [],
    [1, 1],
    [None],
    ['1'],
    [[]],
    [0.0, 1],
    {},
    {'1': 2},
)
VERSIONS = {
    'NUMATopology': ('1.0', '1.1', '1.2'),
    'NUMACell': ('1.0', '1.1', '1.2', '1.3', '1.4', '1.5'),
    'NUMAPagesTopology': ('1.0', '1.1'),
    'NetworkMetadata': ('1.0',),
}


def text_of(host):
    return restore.host_topology(host)._to_json()


def by_nova(text):
    """Give the host, or None, as it is read of Nova's object; False if not."""
    state = make_host_state(make_host(1))
    try:
        state.numa_topology = unread._stock(text)
        return convert.host(state)
    except Exception:
        return False


def by_us(text):
    """Give the same of a topology that nobody has looked at."""
    state = make_host_state(make_host(1))
    state.numa_topology = unread.Unread(text)
    try:
        return convert.host(state)
    except Exception:
        return False


def sample():
    """Give the text of a host that tells all there is, as JSON."""
    cell = make_cell(cpus=4, threads=2, pinned=(1,), pages=((4, 9), (2048, 7)))
    host = make_host(cell, make_cell(1, cpus=2, first=4, physnets={'one'}))
    return json.loads(text_of(host))


def places(value, place=()):
    """Give the place of each part of JSON, the whole first."""
    yield place
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in inner:
        yield from places(each, (*place, key))


def changed(told, place, value, *, gone=False):
    """Give JSON with one part of it changed, or gone."""
    if not place:
        return value
    told = copy.deepcopy(told)
    *path, last = place
    inner = told
    for key in path:
        inner = inner[key]
    if gone:
        del inner[last]
    else:
        inner[last] = value
    return told


@given(hosts() | real_hosts())
def test_what_nova_writes_is_read_without_nova(host):
    state = make_host_state(host)
    state.numa_topology = unread.Unread(text_of(host))
    assert convert.host(state) == convert.host(make_host_state(host))
    assert unread.text_of(state.numa_topology) is not None


def test_every_odd_value_in_every_place_is_read_as_nova_reads_it():
    told = sample()
    for place, odd in itertools.product(list(places(told)), ODD):
        text = json.dumps(changed(told, place, odd))
        assert by_us(text) == by_nova(text), (place, odd)


def test_every_part_that_is_missing_is_missed_as_by_nova():
    told = sample()
    for place in list(places(told))[1:]:
        text = json.dumps(changed(told, place, None, gone=True))
        assert by_us(text) == by_nova(text), place


@pytest.mark.parametrize('name', VERSIONS)
def test_every_version_is_read_as_nova_reads_it(name):
    told = sample()
    for place in places(told):
        if place[-1:] == ('nova_object.name',):
            owner = place[:-1]
            for version in (*VERSIONS[name], '1.99', '2.0', '1.5.1', 'x'):
                changed_one = changed(
                    told, (*owner, 'nova_object.version'), version
                )
                text = json.dumps(changed_one)
                assert by_us(text) == by_nova(text), (owner, version)


@pytest.mark.parametrize('version', ['1.0', '1.1', '1.2'])
@pytest.mark.parametrize('cell', VERSIONS['NUMACell'])
@pytest.mark.parametrize('pages', VERSIONS['NUMAPagesTopology'])
def test_what_an_older_nova_has_written_is_read_as_nova_reads_it(
    version, cell, pages
):
    topology = unread._stock(json.dumps(sample()))
    manifest = {
        'NUMATopology': version,
        'NUMACell': cell,
        'NUMAPagesTopology': pages,
        'NetworkMetadata': '1.0',
    }
    text = json.dumps(topology.obj_to_primitive(version, manifest))
    assert by_us(text) == by_nova(text)


@given(st.data())
def test_two_odd_values_at_once_are_read_as_nova_reads_them(data):
    told = sample()
    for _ in range(2):
        place = data.draw(st.sampled_from(list(places(told))))
        told = changed(told, place, data.draw(st.sampled_from(ODD)))
    text = json.dumps(told)
    assert by_us(text) == by_nova(text)


@given(st.integers(0, 3000), st.text(max_size=3))
def test_a_text_that_is_cut_is_read_as_nova_reads_it(at, more):
    text = json.dumps(sample())
    text = text[:at] + more + text[at + len(more) :]
    assert by_us(text) == by_nova(text)


@pytest.mark.parametrize('text', ['', ' ', 'null', '[' * 100_000, '{}', '0'])
def test_no_topology_at_all_is_read_as_nova_reads_it(text):
    assert by_us(text) == by_nova(text) is False


def test_a_cpu_that_comes_twice_is_left_to_nova():
    told = sample()
    cell = told['nova_object.data']['cells'][0]['nova_object.data']
    for name in 'pcpuset', 'pinned_cpus':
        cell[name] = cell[name] * 2
    cell['siblings'][0] = cell['siblings'][0] * 2
    text = json.dumps(told)
    assert by_us(text) == by_nova(text) is not False


def test_columns_are_the_same_from_text_and_from_objects():
    text = json.dumps(sample())
    read, made = (
        columns.of_text(text),
        columns.of_objects(unread._stock(text).cells),
    )
    assert read.is_text
    assert not made.is_text
    assert read[8:-1] == made[8:-1]
