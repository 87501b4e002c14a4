"""Servers that plans move, and what a journal tells of them."""

import json

from tests.cloud import asking


def moves_told(journal):
    """Give server, source and destination of what a journal says is done."""
    steps = {}
    for line in journal.read_text().splitlines():
        entry = json.loads(line)
        if entry['event'] == 'plan':
            steps = {
                step['number']: (
                    *(step['uuid'], step['source'], step['destination']),
                )
                for wave in entry['waves']
                for step in wave
            }
        elif entry.get('fate') == 'done':
            yield steps[entry['step']]


def moves_made(cloud, servers):
    """Give server, source and destination of migrations that are over."""
    for each in cloud.api.api_get('/os-migrations').body['migrations']:
        if (
            each['instance_uuid'] in servers
            and each['migration_type'] in ('live-migration', 'migration')
            and each['status'] in ('completed', 'confirmed')
        ):
            yield (
                each['instance_uuid'],
                each['source_compute'],
                each['dest_compute'],
            )


def flavor(cloud, vcpus, **more):
    return cloud.add_flavor(
        vcpus=vcpus, ram=1024, hw__cpu_policy='dedicated', **more
    )


def name_of(cloud, flavor):
    return cloud.api.get_flavor(flavor)['name']


def boot(cloud, *hosts, vcpus=6):
    made = flavor(cloud, vcpus)
    return [cloud.boot(made, host=host) for host in hosts]


def statuses(cloud, servers):
    return {cloud.api.get_server(each['id'])['status'] for each in servers}


def started(entries):
    return [each['server'] for each in entries if each['event'] == 'start']


def fates(entries):
    return [each['fate'] for each in entries if each['event'] == 'end']


def others_of(cloud, *hosts):
    """Give the hosts that are none of these."""
    return set(cloud.computes) - set(hosts)


def migrations(request):
    """Whether a request asks for a migration."""
    return request.method == 'POST' and b'igrate' in request.body


def targets(cloud, run, host):
    """Give where a plan would have the servers of a host go."""
    status, told = asking.ask('drain', host, '-f', 'json')
    assert status == 0
    return [row['To'] for row in json.loads(told)]
