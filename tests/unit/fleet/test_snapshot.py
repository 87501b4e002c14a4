import dataclasses
import gzip
import json
import pathlib
import re

import pytest

from numa_sched.destination import Rules
from numa_sched.exceptions import SnapshotError
from numa_sched.fleet import Fleet, snapshot
from tests.fleets import everything, make_flavor, make_fleet_host, make_server


def told(**changes):
    """Give the object of a snapshot that tells everything, with changes."""
    return json.loads(snapshot.dumps(everything())) | changes


def load(value):
    return snapshot.loads(json.dumps(value).encode())


def changed(path, value):
    """Give a snapshot with another value at a path such as hosts/0/name."""
    whole = told()
    *way, last = (int(p) if p.isdigit() else p for p in path.split('/'))
    at = whole
    for step in way:
        at = at[step]
    at[last] = value
    return whole


@pytest.mark.parametrize('packed', [False, True])
def test_what_is_written_is_read_again(packed):
    fleet = everything()
    assert snapshot.loads(snapshot.dumps(fleet, packed=packed)) == fleet


def test_the_rules_of_live_migrations_are_kept():
    rules = Rules(True, False, True, (5, 3))
    fleet = dataclasses.replace(everything(), rules=rules)
    assert snapshot.loads(snapshot.dumps(fleet)).rules == rules


def test_the_same_fleet_is_the_same_file():
    assert snapshot.dumps(everything()) == snapshot.dumps(everything())


def test_keys_that_are_not_known_are_kept():
    whole = told(weather='fine')
    whole['hosts'][0]['rack'] = {'row': 7}
    again = json.loads(snapshot.dumps(load(whole)))
    assert again['weather'] == 'fine'
    assert again['hosts'][0]['rack'] == {'row': 7}


def test_what_is_not_told_has_a_default():
    fleet = load({'version': 1, 'hosts': [{'name': 'bare'}]})
    (host,) = fleet.hosts
    assert (host.nodename, host.uuid, host.host) == ('bare', 'bare', None)
    assert fleet.servers == ()


def test_hosts_of_one_kind_share_their_layout():
    hosts = tuple(make_fleet_host(f'host-{n}', 4, 4) for n in range(2))
    first, second = snapshot.loads(snapshot.dumps(Fleet(hosts))).hosts
    assert first.host.layout is second.host.layout


def test_a_server_of_a_flavor_that_has_changed_keeps_its_own():
    old = make_flavor('small', 1)
    fleet = Fleet(
        hosts=(),
        flavors=(make_flavor('small', 2),),
        servers=(make_server('one', old),),
    )
    assert snapshot.loads(snapshot.dumps(fleet)).servers[0].flavor == old


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (
            'hosts/0/cells/0/siblings/1',
            '2-',
            "hosts[0].cells[0].siblings[1]: '2-' is not a list of CPUs",
        ),
        (
            'hosts/0/cells/0/siblings/1',
            2,
            'hosts[0].cells[0].siblings[1]: must be text, not 2',
        ),
        (
            'hosts/0/cells/0/siblings/1',
            '1,2',
            'hosts[0].cells[0]: cell 0: CPUs 1 are threads of two cores',
        ),
        (
            'hosts/0/cells/0/pinned_cpus',
            '9',
            'hosts[0]: cell 0: CPUs 9 are pinned but are not dedicated CPUs '
            'of the cell',
        ),
        (
            'hosts/0/cells/0/pinned_cpus',
            '0-70000',
            "hosts[0].cells[0].pinned_cpus: '0-70000' is not a range of CPUs",
        ),
        (
            'hosts/0/cells/1/memory_mb',
            True,
            'hosts[0].cells[1].memory_mb: must be a whole number from 0 on, '
            'not true',
        ),
        (
            'hosts/0/cells/0/mempages/1/size_kb',
            0,
            'hosts[0].cells[0].mempages[1].size_kb: must be a whole number '
            'from 1 on, not 0',
        ),
        ('hosts/0/cells', [], 'hosts[0]: a host without cells'),
        (
            'hosts/0/cells',
            [7],
            'hosts[0].cells[0]: must be an object, not 7',
        ),
        (
            'hosts/0/inventories/PCPU/total',
            None,
            'hosts[0].inventories.PCPU.total: must be a whole number from 0 '
            'on, not null',
        ),
        (
            'hosts/0/pci_pools/0/kind/product_id',
            1,
            'hosts[0].pci_pools[0].kind.product_id: must be text, not 1',
        ),
        ('hosts/1/name', None, 'hosts[1].name: must be text, not null'),
        ('hosts', {}, 'hosts: must be a list, not an object'),
        ('servers/0/flavor', 'x', "servers[0].flavor: flavors has no 'x'"),
        (
            'servers/0/claimed',
            [{'cell': 0}],
            'servers[0].claimed: has not as many cells as numa_topology',
        ),
        (
            'servers/2/numa_topology/cells/0/cpu_policy',
            'own',
            'servers[2].numa_topology.cells[0].cpu_policy: must be one of '
            "shared, dedicated, mixed, not 'own'",
        ),
        (
            'servers/2/numa_topology/cells/0/page_size',
            'vast',
            'servers[2].numa_topology.cells[0].page_size: must be KiB or '
            "small, large or any, not 'vast'",
        ),
        (
            'servers/1/uuid',
            'uuid-of-one',
            'servers: two of them have the same name',
        ),
        (
            'flavors/0/extra_specs/hw:x',
            7,
            "flavors[0].extra_specs.'hw:x': must be text, not 7",
        ),
        (
            'hosts/0/cells/0/memory_mb',
            10**30,
            'hosts[0].cells[0].memory_mb: must be a whole number from 0 on, '
            'not a very large number',
        ),
        (
            'hosts/0/cells/0/id',
            [],
            'hosts[0].cells[0].id: must be a whole number from 0 on, not a '
            'list',
        ),
        (
            'hosts/0/cells/0/pinned_cpus',
            5,
            'hosts[0].cells[0].pinned_cpus: must be a list of CPUs such as '
            '"0-3,8", not 5',
        ),
        (
            'hosts/0/name',
            '\ud800',
            "hosts[0].name: must be text, not '\\ud800'",
        ),
        (
            'hosts/0/inventories/PCPU/ratio',
            -0.5,
            'hosts[0].inventories.PCPU.ratio: must be a number from 0 on, '
            'not -0.5',
        ),
        (
            'flavors/0/asked/resources/PCPU',
            0.5,
            'flavors[0].asked.resources.PCPU: must be a whole number from 0 '
            'on, not 0.5',
        ),
        (
            'flavors/0/numa_topology/cells',
            [],
            'flavors[0].numa_topology: a guest without cells',
        ),
        (
            'servers/0/flavor',
            'x' * 100,
            f"servers[0].flavor: flavors has no '{'x' * 59}...",
        ),
        (
            'servers/0/locked',
            1,
            'servers[0].locked: must be true or false, not 1',
        ),
        (
            'ranking/multiplier',
            'x',
            "ranking.multiplier: must be a number, not 'x'",
        ),
        ('rules', [], 'rules: must be an object, not a list'),
        (
            'hosts/0/weights/RAMWeigher/raw',
            'x',
            "hosts[0].weights.RAMWeigher.raw: must be a number, not 'x'",
        ),
        (
            'ranking/weighers/0/name',
            None,
            'ranking.weighers[0].name: must be text, not null',
        ),
        ('aggregates/0/hosts', ['a', 1], None),
        ('rules', {'version_cap': 'new'}, None),
        ('ranking/mix/0/share', 0, None),
    ],
)
def test_a_wrong_key_is_named_by_its_path(path, value, message):
    with pytest.raises(SnapshotError) as caught:
        load(changed(path, value))
    told = str(caught.value)
    assert '\n' not in told
    if message:
        assert told == message
    else:
        assert told.startswith(path.split('/')[0])


def test_names_may_be_of_any_script():
    whole = changed('hosts/0/name', 'h\u00f6st')
    assert load(whole).hosts[0].name == 'h\u00f6st'


def test_what_must_be_there_is_missed():
    whole = told()
    del whole['hosts'][0]['cells'][0]['memory_mb']
    with pytest.raises(SnapshotError) as caught:
        load(whole)
    assert str(caught.value) == 'hosts[0].cells[0].memory_mb: is missing'


@pytest.mark.parametrize('key', ['hosts', 'servers', 'flavors'])
def test_two_of_one_name_are_refused(key):
    whole = told()
    whole[key].append(whole[key][0])
    with pytest.raises(SnapshotError) as caught:
        load(whole)
    assert str(caught.value) == f'{key}: two of them have the same name'


PAGE = pathlib.Path(__file__).parents[3] / 'doc/source/snapshot.rst'


@pytest.mark.parametrize(
    'key', sorted(set(re.findall(r'"(\w+)":', json.dumps(told()))))
)
def test_the_page_tells_every_key(key):
    # Names that stand where keys do.
    if key not in {*('PCPU', 'MEMORY_MB', 'T', 'hw_x'), *OF_NOBODY}:
        assert f'``{key}``' in PAGE.read_text()


OF_NOBODY = (
    'product_id',
    'swap',
    'rack',
    'note',
    'site',
    'ssd',
    'tags',
    'none',
    'OwnWeigher',
)


def test_a_newer_version_is_refused_in_one_line():
    with pytest.raises(SnapshotError) as caught:
        load({'version': 2, 'hosts': 'something else'})
    assert str(caught.value) == (
        'is of version 2, of which this numa-sched knows nothing: it reads '
        'up to 1'
    )


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'{',
        b'[' * 100_000,
        b'\xff\xfe',
        b'{"version": NaN}',
        b'{"version": 1' + b'0' * 5000 + b'}',
        b'\x1f\x8b',
        gzip.compress(b'{"version": 1}', mtime=0)[:-9],
        b'[]',
    ],
)
def test_what_is_no_snapshot_is_told_in_one_line(data, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(data)
    with pytest.raises(SnapshotError) as caught:
        snapshot.read(path)
    assert str(caught.value).startswith(f'{path}: ')
    assert '\n' not in str(caught.value)


def test_a_packed_file_is_bounded_too(monkeypatch):
    monkeypatch.setattr(snapshot, 'MOST_BYTES', 1 << 30)
    packed = gzip.compress(b' ' * 4096, mtime=0)
    monkeypatch.setattr(snapshot, 'MOST_BYTES', 100)
    with pytest.raises(SnapshotError, match='is larger than'):
        snapshot.loads(packed)


def test_a_missing_file_is_told():
    with pytest.raises(SnapshotError, match='nowhere: No such file'):
        snapshot.read('nowhere')


@pytest.mark.parametrize('packed', [False, True])
def test_a_file_is_read_as_it_was_written(packed, tmp_path):
    path = tmp_path / 'fleet'
    path.write_bytes(snapshot.dumps(everything(), packed=packed))
    assert path.read_bytes().startswith(b'\x1f\x8b') is packed
    assert snapshot.read(path) == everything()
