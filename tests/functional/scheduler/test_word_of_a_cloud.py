"""A server is refused; afterwards ``numa-sched explain --last`` tells why."""

import json
import threading
from unittest import mock

import pytest

from numa_sched.cli import app
from numa_sched.history import refused, ring
from numa_sched.nova.api.checks import Checks
from numa_sched.nova.scheduler import word
from numa_sched.nova.scheduler.word import NO_CANDIDATES, NOT_ASKED
from tests.cloud import machines, started_cloud

TRAIT = 'COMPUTE_MIGRATE_POST_COPY'
WISH = {'compute__live_migration_post_copy': 'true'}
GROUP = 'ServerGroupAntiAffinityFilter'
THREAD = 'numa_sched word'


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    return str(tmp_path_factory.mktemp('word') / 'refusals')


@pytest.fixture(scope='module')
def cloud(path):
    with started_cloud(
        fit_strategy='pack', fit_share_out=0.0, refusals_file=path
    ) as running:
        # Of 8 CPUs each, on one cell of 8, and on two of 4.
        running.add_host('whole', machines.symmetric(1, 8), traits=[TRAIT])
        running.add_host('halves', machines.symmetric(2, 4))
        yield running


@pytest.fixture
def last(path, capsys, monkeypatch):
    """Give what ``explain --last`` tells, as JSON unless told otherwise."""

    def last(*arguments, form='json'):
        wait()
        command = ['explain', '--last', '--refusals-file', path, *arguments]
        # Which would stay quiet for the tests that come.
        monkeypatch.setattr(app, 'QUIET', ())
        status = app.run([*command, '-f', form])
        written = capsys.readouterr()
        assert (status, written.err) == (0, '')
        return json.loads(written.out) if form == 'json' else written.out

    return last


def wait():
    """Have what is over by now written: one round may be under way."""
    rounds = threading.Semaphore(0)
    once = word.Word.round

    def counted(self):
        once(self)
        rounds.release()

    # Its thread begins with the first request.
    if any(each.name == THREAD for each in threading.enumerate()):
        with mock.patch.object(word.Word, 'round', counted):
            assert all(rounds.acquire(timeout=60) for _ in range(2))


def count(path):
    """Give how many refusals there are."""
    wait()
    try:
        return len(list(ring.lines(path)))
    except Exception:
        return 0


def pinned(cloud, cpus, **extra_specs):
    return cloud.add_flavor(
        vcpus=cpus, hw__cpu_policy='dedicated', **extra_specs
    )


def refuse(cloud, flavor, **extra):
    return cloud.boot(flavor, state='ERROR', **extra)['id']


def test_no_host_has_the_cells(cloud, last):
    """Placement sees enough CPUs, on a cell there are not."""
    cloud.boot(pinned(cloud, 4), host='whole')
    server = refuse(cloud, pinned(cloud, 8, hw__numa_nodes='1'))
    (row,) = last(server)
    assert row['Server'] == server
    assert row['Why'] == 'NUMAFitFilter left no host'
    assert (row['Host'], row['Node']) == ('halves', 'halves')
    assert row['Reasons'] == [
        'guest cell 0 fits no host cell: needs 8 dedicated CPUs, the cell '
        'has 4 (cell 0, 1)'
    ]


def test_placement_has_no_candidate(cloud, last):
    server = refuse(cloud, pinned(cloud, 9, **WISH))
    (row,) = last(server[:13])
    assert (row['Why'], row['Host']) == (NO_CANDIDATES, '')


def test_what_was_asked_for_is_told(cloud, last):
    server = refuse(cloud, pinned(cloud, 9, **WISH))
    told = last(server, form='table')
    assert f'no host was found for server {server}.' in told
    assert f'; project {cloud.api.project_id}; ' in told
    assert '9 CPUs, 512 MiB; 1 NUMA cell of 9 dedicated CPUs' in told
    assert f'; trait {TRAIT}' in told


def test_another_filter_leaves_no_host(cloud, last):
    group = cloud.api.post_server_groups(
        {'name': 'apart', 'policy': 'anti-affinity'}
    )
    hints = {'os:scheduler_hints': {'group': group['id']}}
    flavor = pinned(cloud, 1)

    def boot(state):
        body = cloud._build_server(
            image_uuid=cloud.add_image(), flavor_id=flavor, networks='none'
        )
        asked = cloud.api.post_server({'server': body, **hints})
        return cloud.wait_for(asked, state)

    boot('ACTIVE')
    boot('ACTIVE')
    (row,) = last(boot('ERROR')['id'])
    assert row['Why'] == f'{GROUP} left no host'


def test_a_wish_that_the_scheduler_refuses(cloud, last, monkeypatch):
    monkeypatch.setattr(Checks, 'hold', lambda *args: None)
    image = cloud.add_image(compute_live_migration_post_copy='perhaps')
    server = refuse(cloud, pinned(cloud, 1), image=image)
    (row,) = last(server)
    assert 'image key compute_live_migration_post_copy' in row['Why']


def test_nothing_is_told_of_servers_that_find_a_host(cloud, path):
    before = count(path)
    server = cloud.boot(pinned(cloud, 2), host='whole')
    assert cloud.live_migrate(server) == 'halves'
    assert count(path) == before


def live_migrate(cloud, server):
    cloud.start_live_migration(server)
    cloud.wait_for_migration(server)


def test_a_live_migration_that_finds_no_room(cloud, last):
    flavor = pinned(cloud, 2, hw__numa_nodes='1')
    server = cloud.boot(flavor, host='whole')
    for _ in range(2):
        # One CPU is left on each cell.
        cloud.boot(pinned(cloud, 3), host='halves')
    live_migrate(cloud, server)
    (row,) = last(server['id'])
    assert row['Why'] == 'NUMAFitFilter left no host'
    assert row['Host'] == 'halves'


def test_a_live_migration_for_which_all_hosts_are_ignored(
    cloud, last, monkeypatch
):
    """Nobody says so, and nothing is heard of it any more."""
    server = cloud.boot(pinned(cloud, 2), host='whole')
    for _ in range(2):
        cloud.boot(pinned(cloud, 4), host='halves')
    live_migrate(cloud, server)
    monkeypatch.setattr(word, 'GIVEN_UP_S', 0.0)
    (row,) = last(server['id'])
    assert row['Why'] == NOT_ASKED


def test_several_servers_of_which_one_finds_no_host(cloud, path, last):
    before = count(path)
    body = cloud._build_server(
        image_uuid=cloud.add_image(),
        flavor_id=pinned(cloud, 4, hw__numa_nodes='1'),
        networks='none',
    )
    body.update(min_count=5, max_count=5)
    asked = cloud.api.post_server({'server': body})
    cloud.wait_for(asked, 'ERROR')
    assert count(path) == before + 1
    assert last(asked['id'])


def test_several_servers_that_all_find_a_host(cloud, path):
    before = count(path)
    body = cloud._build_server(
        image_uuid=cloud.add_image(),
        flavor_id=pinned(cloud, 4, hw__numa_nodes='1'),
        networks='none',
    )
    # All that there is room for, so that there is no alternate.
    body.update(min_count=4, max_count=4)
    cloud.wait_for(cloud.api.post_server({'server': body}), 'ACTIVE')
    assert count(path) == before


def test_a_rebuild_whose_image_the_host_cannot_honour(cloud, nova, last):
    server = cloud.boot(pinned(cloud, 1), host='halves')
    image = cloud.add_image(compute_live_migration_post_copy='true')
    response = nova.request(
        'POST',
        f'/servers/{server["id"]}/action',
        {'rebuild': {'imageRef': image}},
    )
    assert response.status_int == 202
    cloud.wait_for(server, 'ERROR')
    (row,) = last(server['id'])
    assert TRAIT in row['Why']


def test_two_workers_tell_of_one_cloud(cloud, path, last, monkeypatch):
    """Each in a file of its own; the other goes on beside this one."""
    flavor = pinned(cloud, 9)
    first = refuse(cloud, flavor)
    wait()
    monkeypatch.setattr(word.of_this_process(), '_ring', None)
    second = refuse(cloud, flavor)
    assert last()[0]['Server'] == second
    assert last(first)[0]['Server'] == first
    for number, server in enumerate([first, second]):
        with open(f'{path}.{number}', 'rb') as file:
            *_, line = file
        assert refused.loads(line).server == server
