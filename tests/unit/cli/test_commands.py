"""The other commands, on a snapshot."""

import csv
import dataclasses
import io
import json
import pathlib

import pytest

from numa_sched.fleet import Ranking, Weighed, Weigher, snapshot
from tests.unit.cli.conftest import POST_COPY, cloud


def rows_of(told):
    return list(csv.DictReader(io.StringIO(told)))


def test_hosts_are_ranked_with_what_makes_their_place(ask):
    rows = json.loads(ask('rank', 'web', '-f', 'json'))
    assert [row['Host'] for row in rows] == ['exact', 'large']
    assert rows[0]['Place'] == 1
    assert rows[0]['Weight'] == 1.0
    assert rows[0]['CPUs'] == ['0-1']
    assert rows[0]['Pages'] == ['small pages']


def test_another_strategy_can_be_tried(ask):
    (first,) = json.loads(
        ask('rank', 'web', '--strategy', 'spread', '--top', '1', '-f', 'json')
    )
    assert first['Host'] == 'large'
    several = json.loads(
        ask('rank', 'web', '--strategy', 'spread:2,pack:1', '-f', 'json')
    )
    assert several[0]['Parts'] == ['spread 0.7500', 'pack 0.2500']


def test_the_mix_can_be_that_of_the_servers(ask):
    rows = json.loads(ask('rank', 'web', '--mix', 'servers', '-f', 'json'))
    assert {row['Score'] for row in rows} == {0.5}


def test_without_a_topology_others_decide(ask):
    told = ask('rank', '--flavor', 'plain')
    assert 'It asks for no NUMA topology: other weighers decide.' in told


@pytest.mark.parametrize('number', ['0', '-1', 'x', '1.5'])
def test_a_number_of_hosts_is_1_or_more(run, number):
    status, out, err = run('rank', 'web', '--top', number)
    assert (status, out) == (2, '')
    assert f"argument --top: '{number}' is not a whole number above 0" in err


def test_a_snapshot_without_weighers_says_that_they_are_not_known(ask):
    assert ask('rank', 'web').splitlines()[1] == (
        "Not known here: the weights of Nova's own weighers. The order is "
        'that of NUMAFitWeigher alone. What would change it cannot be told.'
    )


@pytest.fixture
def weighed(ask, file):
    """Have the snapshot tell of weighers."""

    def weighed(*names, **raw):
        fleet = cloud()
        told = {
            host.name: {
                'RAMWeigher': Weighed(raw.get(host.name, 0.0), 2.0),
                'OwnWeigher': Weighed(None, 1.0),
            }
            for host in fleet.hosts
        }
        fleet = dataclasses.replace(
            fleet,
            hosts=tuple(
                dataclasses.replace(host, weighed=told[host.name])
                for host in fleet.hosts
            ),
            ranking=Ranking(weighers=tuple(map(Weigher, names))),
        )
        pathlib.Path(file).write_bytes(snapshot.dumps(fleet))
        return ask

    return weighed


KNOWN = ('RAMWeigher', 'NUMAFitWeigher')


def test_what_each_weigher_adds_is_told(weighed):
    ask = weighed(*KNOWN, exact=1.0, large=4.0)
    rows = json.loads(ask('rank', 'web', '--by', 'weigher', '-f', 'json'))
    assert [(row['Host'], row['Weigher']) for row in rows] == [
        ('exact', 'RAMWeigher'),
        ('exact', 'NUMAFitWeigher'),
        ('large', 'RAMWeigher'),
        ('large', 'NUMAFitWeigher'),
    ]
    assert rows[2] == {
        'Place': 2,
        'Host': 'large',
        'Weigher': 'RAMWeigher',
        'Gives': 4.0,
        'Weight': 1.0,
        'Multiplier': 2.0,
        'Adds': 2.0,
    }


def test_people_are_spared_weighers_that_add_nothing(weighed):
    told = weighed(*KNOWN)('rank', 'web', '--by', 'weigher')
    assert '| RAMWeigher' not in told
    assert told.endswith('Weighers that add nothing here: 1.\n')


def test_what_would_have_another_host_first_is_told(weighed):
    ask = weighed(*KNOWN, exact=1.0, large=4.0)
    # large has (2/8)**8 by fit, and 2 by memory.
    change = 'with [numa_sched] fit_weight_multiplier = 0 to 2'
    told = ask('rank', 'web')
    (line,) = (
        line for line in told.splitlines() if 'fit_weight_multiplier' in line
    )
    assert line.startswith(f'large would be first {change}')
    rows = json.loads(ask('rank', 'web', '--by', 'change', '-f', 'json'))
    assert rows[0]['First'] == ['large']
    assert rows[0]['Change'].startswith(change)
    assert 'with [numa_sched] fit_strategy = spread' in [
        row['Change'] for row in rows
    ]


def test_that_nothing_would_change_the_order_is_told(weighed):
    told = weighed(*KNOWN)('rank', '--flavor', 'wide', '--by', 'change')
    assert told.endswith(
        'No change that was tried would have another host come first.\n'
    )


def test_a_weigher_that_is_not_known_is_named(weighed):
    told = weighed(*KNOWN, 'OwnWeigher')('rank', 'web').splitlines()
    assert told[1] == (
        'Not known here: the weights of OwnWeigher. The order is that of the '
        'other weighers. What would change it cannot be told.'
    )


def test_that_the_scheduler_is_without_our_weigher_is_told(weighed):
    told = weighed('RAMWeigher')('rank', 'web').splitlines()
    assert told[1] == (
        'NUMAFitWeigher is not among [filter_scheduler] weight_classes: the '
        'scheduler ranks without it.'
    )


def test_a_bad_strategy_is_told(run, file):
    status, out, err = run(
        'rank', 'web', '--strategy', 'luck', '--snapshot', file
    )
    assert (status, out) == (1, '')
    assert "names 'luck', which cannot be used" in err


def test_room_is_counted_by_flavor(ask, run, file):
    flavors = [f'--flavor={name}' for name in ('small', 'wide', 'broken')]
    status, out, err = run(
        'capacity', *flavors, '--snapshot', file, '-f', 'csv'
    )
    assert status == 0
    assert 'flavor broken is left out' in err
    assert rows_of(out) == [
        {
            'Flavor': 'small',
            'Servers': '5',
            'Hosts': '2',
            'Most on a Host': '4',
        },
        {
            'Flavor': 'wide',
            'Servers': '0',
            'Hosts': '0',
            'Most on a Host': '0',
        },
    ]


def test_room_is_counted_by_host(ask):
    told = ask(
        *('capacity', '--flavor', 'small', '--by', 'host'),
        *('-f', 'csv', '--sort-column', 'Servers', '--sort-descending'),
    )
    assert [(row['Host'], row['Servers']) for row in rows_of(told)][:2] == [
        ('large', '4'),
        ('exact', '1'),
    ]


def test_what_is_stranded_is_told(ask):
    told = ask(
        *('capacity', '--flavor', 'wide', '--by', 'stranded', '-f', 'csv')
    )
    assert rows_of(told)[1] == {
        'Host': 'large',
        'Free CPUs': '8',
        'Stranded CPUs': '8',
        'Because': 'wide: fewer than 2 NUMA cells',
    }


def test_a_node_exporter_can_read_it(ask):
    told = ask('capacity', '--flavor', 'small', '-f', 'prometheus')
    lines = told.splitlines()
    assert lines[:2] == [
        '# HELP numa_sched_room_servers More servers of a flavor that have '
        'room on a host.',
        '# TYPE numa_sched_room_servers gauge',
    ]
    assert 'numa_sched_room_servers{flavor="small",host="large"} 4' in lines
    assert 'numa_sched_free_dedicated_cpus{host="full"} 0' in lines
    assert 'numa_sched_stranded_dedicated_cpus{host="down"} 4' in lines
    assert told.endswith('\n')


def test_flavors_that_are_left_out_are_no_news_to_a_cron_job(ask):
    assert 'flavor="broken"' not in ask('capacity', '-f', 'prometheus')


def test_what_goes_wrong_for_a_node_exporter_is_one_line(
    run, file, monkeypatch
):
    def fail(*args):
        raise KeyError('x')

    monkeypatch.setattr('numa_sched.cli.source.fleet', fail)
    status, out, err = run('capacity', '-f', 'prometheus', '--snapshot', file)
    assert (status, out) == (1, '')
    assert err == "KeyError: 'x' (--debug tells where)\n"


def test_wishes_are_told_with_where_they_stand(ask):
    first, second = json.loads(ask('policy', 'web', '-f', 'json'))
    assert (first['Wanted'], first['Required']) == ('unset', False)
    assert second == {
        'Feature': 'post-copy',
        'Wanted': 'true',
        'From': ['flavor compute:live_migration_post_copy=true'],
        'Trait': POST_COPY,
        'Required': True,
        'Hosts': 4,
        'Names': ['full', 'large', 'exact', 'down'],
    }


def test_how_a_server_would_be_migrated_is_told_below(ask):
    told = ask('policy', 'web').splitlines()
    first = next(
        place for place, line in enumerate(told) if line.startswith('From ')
    )
    assert told[first].startswith(
        "From full with Nova's own driver: pre-copy; auto-converge and"
    )
    assert told[first + 1].startswith('  Because: its host is without')
    assert told[first + 2].startswith('  Not known here: [libvirt] live_')


def test_programs_get_how_a_server_would_be_migrated_by_driver(ask):
    rows = json.loads(
        ask('policy', '--flavor', 'small', '--by', 'driver', '-f', 'json')
    )
    assert [
        (row['Driver'], row['Auto-Converge'], row['Post-Copy']) for row in rows
    ] == [
        (
            'numa_sched.LibvirtDriver',
            'as configured',
            'unless ruled out',
        ),
        ("Nova's own driver", 'as configured', 'as configured'),
    ]
    assert rows[0]['Because'] == ['post-copy is wanted']
    assert len(rows[0]['Not Known Here']) == 4


def test_a_contradiction_of_flavor_and_image_is_told(ask):
    told = ask(
        *('policy', '--flavor', 'small', '--image-property'),
        'compute_live_migration_post_copy=false',
    )
    assert 'Wrong: flavor key compute:live_migration_post_copy' in told


def test_that_images_have_no_say_is_told(ask, file):
    whole = json.loads(pathlib.Path(file).read_text())
    told = json.dumps({**whole, 'image_wishes': False})
    pathlib.Path(file).write_text(told)
    asked = (
        *('policy', '--flavor', 'small', '--image-property'),
        'compute_live_migration_post_copy=false',
    )
    heading = ask(*asked).splitlines()[1]
    assert heading == (
        'Images have no say: [numa_sched] image_wishes is false.'
    )
    assert 'Wrong' not in ask(*asked)


def test_a_snapshot_of_a_snapshot_has_other_names(run, file, tmp_path):
    target = str(tmp_path / 'other.json.gz')
    command = ['snapshot', '--from', file, '--anonymise', target]
    status, out, err = run(*command)
    assert (status, err) == (0, '')
    assert out.startswith(f'{target}: 5 hosts, 3 servers, ')
    fleet = snapshot.read(target)
    assert {server.name for server in fleet.servers} == {
        'server-1',
        'server-2',
        'server-3',
    }
    status, _, err = run(*command)
    assert (status, err) == (1, f'{target}: is there; --force replaces it\n')
    assert run(*command, '--force')[0] == 0


def test_a_snapshot_keeps_all(run, file, tmp_path):
    target = str(tmp_path / 'same.json')
    assert run('snapshot', '--from', file, target)[0] == 0
    assert snapshot.read(target) == cloud()


def test_a_snapshot_can_be_written_to_standard_output(run, file):
    status, out, err = run('snapshot', '--from', file, '-')
    assert (status, err) == (0, '')
    assert snapshot.loads(out.encode()) == cloud()


@pytest.mark.parametrize(
    ('arguments', 'error'),
    [
        (['explain', 'x', '--snapshot', 'nowhere'], 'nowhere: No such file'),
        (['snapshot', 'none/fleet.json'], 'there is no such directory'),
        (['capacity'], 'Nova cannot be imported here'),
    ],
)
def test_a_source_that_is_not_there_is_one_line(run, arguments, error):
    status, out, err = run(*arguments)
    assert (status, out) == (1, '')
    assert error in err
    assert err.count('\n') == 1
