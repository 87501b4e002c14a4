import threading
import time

import pytest

from numa_sched.history.refusals import (
    MAX_HOSTS_OF_PROJECT,
    REPEATED_WITHIN_SECONDS,
    Refusals,
)

DEFAULTS = {'penalty': 0.5, 'half_life': 100.0}


def trusted(refusals, host, now=0.0, **options):
    return refusals.trust(host, now, **{**DEFAULTS, **options})


def refused_by(*hosts, server='server', now=0.0, refusals=None, project=None):
    """Give the memory after a server was refused by hosts, one by one."""
    refusals = refusals or Refusals()
    for count in range(len(hosts) + 1):
        refusals.note(server, ['source', *hosts[:count]], now, project)
    return refusals


def distrusted(refusals, hosts, now=0.0):
    """Give those of the hosts that are trusted less."""
    return [host for host in hosts if trusted(refusals, host, now) < 1.0]


@pytest.mark.parametrize(
    'requests',
    [
        [['source']],
        [['source', 'user given']],
        [[]],
        [[], ['source', 'a']],
        [['source'], ['source']],
        [['source', 'a'], ['source']],
        [['source'], ['a']],
        [['source'], ['a', 'source']],
        [['source', 'a'], ['source', 'b', 'a']],
    ],
    ids=[
        'a first request',
        'a first request with hosts that a user does not want',
        'a request that ignores no host',
        'a request after one that ignored no host',
        'the same request once more',
        'a new migration from the same source',
        'a new migration from another source',
        'a new migration that the first source refuses, seen late',
        'a new migration from the same source, seen late',
    ],
)
def test_no_host_has_refused_after(requests):
    refusals = Refusals()
    assert [refusals.note('server', each, 0.0) for each in requests] == [
        ()
    ] * len(requests)
    assert trusted(refusals, 'source') == trusted(refusals, 'a') == 1.0


def test_the_host_that_a_repeated_request_adds_has_refused():
    refusals = Refusals()
    refusals.note('server', ['source'], 0.0)
    assert refusals.note('server', ['source', 'a'], 1.0) == ('a',)
    assert refusals.note('server', ['source', 'a', 'b'], 2.0) == ('b',)
    assert trusted(refusals, 'source', 2.0) == 1.0


def test_hosts_that_refused_while_others_were_asked_count_together():
    refusals = refused_by()
    assert refusals.note('server', ['source', 'a', 'b'], 1.0) == ('a', 'b')
    assert trusted(refusals, 'a', 1.0) == trusted(refusals, 'b', 1.0) == 0.5


def test_requests_of_other_servers_are_no_repetition():
    refusals = refused_by()
    assert refusals.note('other', ['source', 'a'], 1.0) == ()


def test_requests_of_several_servers_may_alternate():
    refusals = refused_by()
    refusals.note('other', ['elsewhere'], 0.0)
    assert refusals.note('server', ['source', 'a'], 1.0) == ('a',)
    assert refusals.note('other', ['elsewhere', 'b'], 1.0) == ('b',)


def test_a_request_that_ignores_no_host_ends_a_migration():
    refusals = refused_by()
    refusals.note('server', [], 1.0)
    assert refusals.note('server', ['source', 'a'], 2.0) == ()


@pytest.mark.parametrize(('late', 'refused'), [(0, ('a',)), (1, ())])
def test_a_request_long_after_the_last_one_is_a_new_migration(late, refused):
    refusals = refused_by()
    now = REPEATED_WITHIN_SECONDS + late
    assert refusals.note('server', ['source', 'a'], now) == refused


def test_time_runs_from_the_last_request_not_from_the_first():
    refusals = refused_by('a', now=0.0)
    refusals.note('server', ['source', 'a'], REPEATED_WITHIN_SECONDS)
    later = 1.5 * REPEATED_WITHIN_SECONDS
    assert refusals.note('server', ['source', 'a', 'b'], later) == ('b',)


@pytest.mark.parametrize(
    ('seconds', 'trust'), [(0, 0.5), (100, 0.75), (200, 0.875)]
)
def test_trust_comes_back_by_halves(seconds, trust):
    refusals = refused_by('a', now=7.0)
    assert trusted(refusals, 'a', 7.0 + seconds) == trust


def test_trust_is_whole_again_in_the_end():
    assert trusted(refused_by('a'), 'a', 1e9) == 1.0


def test_the_last_refusal_counts_alone():
    refusals = refused_by('a')
    refused_by('a', server='other', now=100.0, refusals=refusals)
    assert trusted(refusals, 'a', 100.0) == 0.5


@pytest.mark.parametrize(('penalty', 'trust'), [(0.0, 1.0), (1.0, 0.0)])
def test_the_penalty_is_what_a_host_loses_at_once(penalty, trust):
    assert trusted(refused_by('a'), 'a', penalty=penalty) == trust


def test_trust_stays_in_bounds_if_the_refusal_is_later_than_the_request():
    refusals = refused_by('a', now=50.0)
    assert trusted(refusals, 'a', 0.0, penalty=1.0) == 0.0


def test_servers_asked_for_longest_ago_are_forgotten_first():
    refusals = Refusals(max_servers=2)
    for server in ('first', 'second', 'first', 'third'):
        refusals.note(server, ['source'], 0.0)
    assert refusals.note('first', ['source', 'a'], 1.0) == ('a',)
    assert refusals.note('second', ['source', 'a'], 1.0) == ()


def test_servers_that_ignore_no_host_are_not_kept():
    refusals = Refusals(max_servers=1)
    refusals.note('server', ['source'], 0.0)
    refusals.note('new', [], 0.0)
    assert refusals.note('server', ['source', 'a'], 1.0) == ('a',)


def test_hosts_that_refused_longest_ago_are_forgotten_first():
    refusals = Refusals(max_refusals=2)
    refused_by('a', 'b', refusals=refusals)
    refused_by('a', 'c', server='other', refusals=refusals)
    assert [trusted(refusals, host) for host in 'abc'] == [0.5, 1.0, 0.5]


def test_what_is_kept_does_not_grow_with_servers_or_hosts():
    refusals = Refusals(max_servers=5, max_refusals=5)
    for number in range(50):
        refused_by(f'host {number}', server=f'{number}', refusals=refusals)
    assert len(refusals._requests) == len(refusals._refusals) == 5


def test_one_server_has_the_last_hosts_that_refused_it_trusted_less():
    refusals = refused_by(*'abcdefgh')
    assert distrusted(refusals, 'abcdefgh') == ['f', 'g', 'h']


def test_hosts_that_refused_at_once_are_no_more_than_those_of_one_server():
    refusals = refused_by()
    assert refusals.note('server', ['source', *'abcdefgh'], 0.0) == (*'fgh',)
    assert distrusted(refusals, 'abcdefgh') == ['f', 'g', 'h']


def test_one_server_counts_no_more_for_its_next_migrations():
    refusals = Refusals()
    for host in 'abcdefgh':
        refused_by(host, refusals=refusals)
        refusals.note('server', [], 0.0)
    assert distrusted(refusals, 'abcdefgh') == ['f', 'g', 'h']


def test_the_servers_of_one_project_count_no_more_than_its_share():
    refusals = Refusals()
    hosts = [f'host {number}' for number in range(40)]
    for host in hosts:
        refused_by(host, server=f'of {host}', refusals=refusals, project='p')
    assert distrusted(refusals, hosts) == hosts[-MAX_HOSTS_OF_PROJECT:]


def test_the_share_of_a_project_is_one_of_hosts_not_of_servers():
    refusals = Refusals()
    for number in range(20):
        refused_by('a', server=f'{number}', refusals=refusals, project='p')
    refused_by('b', server='last', refusals=refusals, project='p')
    assert distrusted(refusals, 'ab') == ['a', 'b']


@pytest.mark.parametrize('other', ['other', 'zebra'])
def test_projects_do_not_take_from_the_share_of_others(other):
    refusals = refused_by('a', server='theirs', project=other)
    for host in 'bcdefghij':
        refused_by(host, server=host, refusals=refusals, project='p')
    assert distrusted(refusals, 'abcdefghij') == [*'aefghij']


def test_a_host_that_others_refuse_too_is_not_trusted_for_one_that_goes_on():
    refusals = refused_by('a', server='theirs', now=0.0, project='other')
    refused_by(
        *'abcd', server='mine', now=100.0, refusals=refusals, project='p'
    )
    assert trusted(refusals, 'a', 100.0) == 0.75
    assert distrusted(refusals, 'abcd', 100.0) == [*'abcd']


class Slow(str):
    """A name on which another thread gets its turn whenever it is hashed."""

    __slots__ = ()

    def __hash__(self):
        time.sleep(0)
        return super().__hash__()


def test_threads_may_share_it():
    refusals = Refusals(max_servers=10, max_refusals=10)
    errors = []

    def work(name):
        try:
            for number in range(200):
                each = Slow(f'{name} {number}')
                refused_by(each, server=each, refusals=refusals)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in 'abcd']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(refusals._refusals) == 10
