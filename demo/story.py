"""The steps of the demo; each checks that it comes out as told."""

import typing

from nova import context, objects
from nova.virt import hardware

from demo import screen
from tests.cloud import asking, machines

AC = 'COMPUTE_MIGRATE_AUTO_CONVERGE'
PC = 'COMPUTE_MIGRATE_POST_COPY'
GIANT_KB = 1024 * 1024

SHORT = {AC: 'auto-converge', PC: 'post-copy'}


class Node(typing.NamedTuple):
    """A host of the demo."""

    machine: machines.Machine
    traits: tuple[str, ...]
    giant_pages: int
    shared: range = range(0)


HOSTS = {
    'node1': Node(machines.XEON_L5640, (AC,), 12),
    'node2': Node(machines.XEON_56, (AC,), 32, shared=range(4)),
    'node3': Node(machines.XEON_56, (AC, PC), 64),
    'node4': Node(machines.XEON_WORKER, (PC,), 32),
    'node5': Node(machines.XEON_4P, (AC,), 32),
    'node6': Node(machines.OPTERON_4P, (AC,), 0),
    'node7': Node(machines.XEON_L5640, (AC,), 2),
}

GUEST = {
    'hw__cpu_policy': 'dedicated',
    'hw__cpu_thread_policy': 'require',
    'hw__numa_nodes': '2',
    'hw__mem_page_size': '1GB',
}


MODEST, TOO_MUCH = 'pinned.8', 'pinned.64'


class DemoError(Exception):
    """A step did not come out as told."""


def expect(truth, what):
    """Fail loudly unless something is true."""
    if not truth:
        raise DemoError(what)


def tell(cloud):
    """Walk the whole story in a running cloud without hosts."""
    start_hosts(cloud)
    server = create(cloud)
    live_migrate(cloud, server)
    ask_too_much(cloud)
    contradict(cloud)
    unlike_cells(cloud)
    ask_the_cloud(cloud)


def start_hosts(cloud):
    """Start the hosts, and show them."""
    screen.heading('1. Hosts, as real machines are')
    for name, node in HOSTS.items():
        pages = {GIANT_KB: node.giant_pages} if node.giant_pages else {}
        cloud.add_host(
            name,
            node.machine,
            traits=node.traits,
            huge_pages=pages,
            shared=node.shared,
        )
    screen.table(
        ['Host', 'Machine, NUMA cells x cores', '1 GiB pages', 'Traits'],
        [
            (
                name,
                node.machine,
                f'{node.giant_pages} a cell',
                ', '.join(SHORT[trait] for trait in node.traits),
            )
            for name, node in HOSTS.items()
        ],
        widest=50,
    )
    screen.say(
        'The CPUs are dedicated ones, but for 0 to 3 of node2. The traits '
        'were set through placement; the rest is what libvirt reports. The '
        'scheduler is configured as the README says.'
    )


def create(cloud):
    """Create a server, and show how its host was found."""
    screen.heading('2. A pinned server that wants auto-converge')
    flavor = cloud.add_flavor(
        name=MODEST,
        vcpus=8,
        ram=8192,
        compute__live_migration_auto_converge='true',
        **GUEST,
    )
    show_flavor(cloud, flavor)
    cloud.forget()
    server = cloud.boot(flavor, name='web-1')
    show_decision(cloud)
    host = cloud.host_of(server)
    show_place(cloud, server)
    expect(required_traits(cloud) == {AC}, 'auto-converge was not required')
    expect(dropped(cloud).keys() == {'node6', 'node7'}, 'drops')
    expect(host == 'node2', f'the server is on {host}')
    return server


def live_migrate(cloud, server):
    """Move the server while its best destination refuses."""
    screen.heading('3. Live migration; the first destination refuses')
    screen.say(
        'node1 will find that its CPU cannot run the guest: something that '
        'only the destination knows.'
    )
    cloud.forget()
    with cloud.refusing_migrations_to('node1'):
        host = cloud.live_migrate(server)
    attempts = []
    refused = refusals(cloud)
    for ranking in cloud.rankings:
        tried = ranking[0][0]
        attempts.append(
            (
                len(attempts) + 1,
                ', '.join(name for name, _ in ranking),
                tried,
                refused.get(tried, 'accepted'),
            )
        )
    screen.table(['Attempt', 'Ranked', 'Tried', 'Answer'], attempts)
    show_place(cloud, server)
    expect(list(refused) == ['node1'], f'refused by {list(refused)}')
    expect(host == 'node3', f'the server is on {host}')
    expect(len(attempts) == 2, f'{len(attempts)} attempts')


def ask_too_much(cloud):
    """Ask for what no host has."""
    screen.heading('4. A request that cannot be met, and why')
    flavor = cloud.add_flavor(
        name=TOO_MUCH,
        vcpus=64,
        ram=131072,
        compute__live_migration_post_copy='true',
        **GUEST,
    )
    show_flavor(cloud, flavor)
    cloud.forget()
    server = cloud.boot(flavor, state='ERROR')
    show_decision(cloud)
    message = server['fault']['message']
    screen.say(f'The API says: {message}')
    expect('No valid host' in message, message)
    expect(required_traits(cloud) == {PC}, 'post-copy was not required')
    expect(not cloud.rankings, 'a host was left')


def contradict(cloud):
    """Have flavor and image disagree, and a flavor want too much."""
    screen.heading('5. Wishes that contradict each other')
    flavor = cloud.add_flavor(
        vcpus=2,
        hw__cpu_policy='dedicated',
        compute__live_migration_auto_converge='true',
    )
    image = cloud.add_image(compute_live_migration_auto_converge='no')
    show_flavor(cloud, flavor)
    screen.say('Image: compute_live_migration_auto_converge=no')
    cloud.forget()
    servers = len(cloud.api.get_servers())
    body = {'name': 'x', 'flavorRef': flavor, 'imageRef': image}
    show_refusal(cloud, '/servers', {'server': {**body, 'networks': 'none'}})
    screen.say('The flavor is to want post-copy, too:')
    path = f'/flavors/{flavor}/os-extra_specs'
    specs = {'compute:live_migration_post_copy': 'true'}
    show_refusal(cloud, path, {'extra_specs': specs})
    expect(len(cloud.api.get_servers()) == servers, 'a server was created')
    expect(not cloud.placement_queries, 'placement was asked')
    found = cloud.api.get_flavor(flavor)['extra_specs']
    expect(not specs.keys() & found.keys(), 'the flavor was changed')


def show_refusal(cloud, path, body):
    """Show how the API answers what goes against the policy."""
    status, message = cloud.ask(path, body)
    screen.say(f'POST {path}: HTTP {status}')
    screen.say(message)
    expect(status == 400, f'HTTP {status}')
    expect('live-migration policy refuses' in message, message)


def unlike_cells(cloud):
    """Create a guest that stock Nova would run unpinned."""
    screen.heading('6. Cells that differ: what stock Nova gets wrong')
    screen.say(
        'A guest of NUMA cells with 1, 1, 1 and 9 dedicated CPUs. node6 has '
        'cells of 8.'
    )
    flavor = cloud.add_flavor(
        vcpus=12,
        ram=2048,
        hw__cpu_policy='dedicated',
        hw__numa_nodes='4',
        **{
            f'hw__numa_cpus.{cell}': cpus
            for cell, cpus in enumerate(
                ('0', '1', '2', ','.join(map(str, range(3, 12))))
            )
        },
        **{f'hw__numa_mem.{cell}': '512' for cell in range(4)},
    )
    cloud.forget()
    server = cloud.boot(flavor)
    by_stock = pinned_by_stock_nova(cloud, server, 'node6')
    screen.say(
        f'Stock Nova says that it fits node6, and pins '
        f'{", ".join(map(str, by_stock))} CPUs of its cells there.'
    )
    expect(by_stock == [1, 1, 1, 0], f'stock Nova pins {by_stock}')
    show_decision(cloud)
    show_place(cloud, server)
    expect('node6' in dropped(cloud), 'node6 was not dropped')
    expect(cloud.host_of(server) == 'node5', 'the server is not on node5')
    pinned = [
        len(cell.cpu_pinning or ()) for cell in cloud.topology_of(server).cells
    ]
    expect(pinned == [1, 1, 1, 9], f'pinned {pinned}')


def ask_the_cloud(cloud):
    """Have an operator ask what has happened, and what there is room for."""
    screen.heading('7. Asking the cloud')
    screen.say('Why was there no host for the server of step 4?')
    told = ask('explain', '--flavor', TOO_MUCH)
    expect('0 of 7 hosts pass' in told, 'explain tells of a host')
    screen.say('What is on the host that the first server has moved to?')
    told = ask('map', 'node3')
    expect('web-1' in told, 'map does not tell of the server')
    screen.say('How many more servers like the first one fit?')
    before = room(ask('capacity', '--flavor', MODEST))
    cloud.boot(flavor_of(cloud, MODEST))
    screen.say('And with one of them more?')
    after = room(ask('capacity', '--flavor', MODEST))
    expect(after == before - 1, f'room for {before} and then for {after}')


def ask(*arguments):
    """Run ``numa-sched`` as an operator types it; give what it has said."""
    print(f'\n$ numa-sched {" ".join(arguments)}')
    status, told = asking.ask(*arguments)
    print(told)
    expect(status == 0, f'numa-sched ends with {status}')
    return told


def room(told):
    """Give how many servers a table of capacity has room for."""
    row = next(line for line in told.splitlines() if MODEST in line)
    return int(row.split('|')[2])


def flavor_of(cloud, name):
    """Give the id of the flavor of a name."""
    (found,) = (
        each['id'] for each in cloud.api.get_flavors() if each['name'] == name
    )
    return found


def pinned_by_stock_nova(cloud, server, host):
    """Give how many CPUs of each cell Nova's own search pins on a host."""
    spec = objects.RequestSpec.get_by_instance_uuid(
        context.get_admin_context(), server['id']
    )
    fitted = hardware.numa_fit_instance_to_host(
        cloud.host_topology(host), spec.numa_topology, provider_mapping=None
    )
    return [len(cell.cpu_pinning or ()) for cell in fitted.cells]


# What is shown of a decision, read off the cloud.


def show_flavor(cloud, flavor):
    """Show what a flavor asks for."""
    found = cloud.api.get_flavor(flavor)
    screen.say(f'Flavor: {found["vcpus"]} vCPUs, {found["ram"]} MiB')
    for key, value in sorted(found['extra_specs'].items()):
        print(f'    {key}={value}')


def show_decision(cloud):
    """Show required traits, dropped hosts with reasons, and the ranking."""
    traits = required_traits(cloud)
    names = ', '.join(sorted(traits)) or 'none'
    print(f'Traits that the policy requires: {names}')
    rows = [
        (host, f'has not the trait {", ".join(sorted(missing))}', 'placement')
        for host, missing in missing_traits(cloud).items()
        if missing
    ]
    rows += [
        (host, reason, 'NUMAFitFilter')
        for host, reason in dropped(cloud).items()
    ]
    screen.table(['Dropped', 'Why', 'By'], rows, widest=48)
    if cloud.rankings:
        found = scores(cloud)
        screen.table(
            ['Rank', 'Host', 'Cells it would take', 'Fit score', 'Weight'],
            [
                (
                    rank,
                    host,
                    ', '.join(map(str, found[host]['cells'])),
                    f'{found[host]["score"]:.3f}',
                    f'{weight:.3f}',
                )
                for rank, (host, weight) in enumerate(cloud.rankings[-1], 1)
            ]
            if found
            else [(1, cloud.rankings[-1][0][0], '', 'the only one', '')],
        )


def show_place(cloud, server):
    """Show where a server is, cell by cell."""
    print(f'The server is on {cloud.host_of(server)}:')
    screen.table(
        ['Instance cell', 'Host cell', 'Pages', 'Pinned to CPUs'],
        [
            (
                index,
                cell.id,
                f'{cell.pagesize // 1024} MiB' if cell.pagesize else '',
                ', '.join(map(str, sorted(cell.cpu_pinning.values()))),
            )
            for index, cell in enumerate(cloud.topology_of(server).cells)
        ],
    )


def required_traits(cloud):
    """Give which of our two traits placement was asked for."""
    return asked_traits(cloud, 'root_required') & {AC, PC}


def asked_traits(cloud, *keys):
    """Give the traits that the first query to placement required."""
    return {
        trait
        for key in keys
        for value in cloud.placement_queries[0].get(key, ())
        for trait in value.split(',')
        if not trait.startswith('!')
    }


def missing_traits(cloud):
    """Give host to the traits that it lacks of those required."""
    asked = asked_traits(cloud, 'root_required', 'required')
    return {host: asked - cloud.traits_of(host) for host in HOSTS}


def _logged(cloud, logger, *keys):
    return [
        record.args
        for record in cloud.log
        if record.name == logger
        and isinstance(record.args, dict)
        and all(key in record.args for key in keys)
    ]


def dropped(cloud):
    """Give host to reason, as NUMAFitFilter logs it at DEBUG."""
    found = _logged(
        cloud, 'numa_sched.nova.scheduler.filters', 'host', 'reason'
    )
    return {args['host']: str(args['reason']) for args in found}


def scores(cloud):
    """Give host to score and cells, as NUMAFitWeigher logs it at DEBUG."""
    found = _logged(
        cloud, 'numa_sched.nova.scheduler.weighers', 'host', 'score'
    )
    return {args['host']: args for args in found}


def refusals(cloud):
    """Give host to reason, as nova-conductor logs it."""
    found = _logged(cloud, 'nova.conductor.tasks.live_migrate', 'host', 'e')
    return {args['host']: str(args['e']).splitlines()[0] for args in found}
