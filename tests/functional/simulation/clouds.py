"""Small clouds of the simulation, and what is asked of them."""

import random

from nova.scheduler.filters.numa_topology_filter import NUMATopologyFilter

from benchmarks.simulation import Shape, nova_parts
from numa_sched.nova import convert
from tests.builders import make_cell, make_host

GIANT = (('hw:mem_page_size', '1GB'),)


def shape(cpus, cells=1, memory_mb=1024, specs=(), policy='dedicated'):
    return Shape(
        f'{cpus} {policy} CPUs on {cells} {memory_mb} {specs}',
        cpus,
        memory_mb,
        (
            ('hw:cpu_policy', policy),
            ('hw:numa_nodes', str(cells)),
            *specs,
        ),
    )


PLAIN = Shape('plain', 2, 512)
SHAPES = (
    shape(2),
    shape(5),
    shape(6, cells=2, memory_mb=4096),
    shape(4, memory_mb=4096, specs=GIANT),
    shape(2, specs=(('hw:cpu_thread_policy', 'require'),)),
)
SHARED_SHAPES = (PLAIN, shape(2, policy='shared'))


def hosts(count=2):
    """Give small hosts with pages and threads, and one of shared CPUs."""
    pages = ((4, 2**20), (1048576, 6))
    dedicated = [
        make_host(
            *(
                make_cell(
                    cell, cpus=8, threads=2, memory_mb=10240, pages=pages
                )
                for cell in range(2)
            ),
            name=f'dedicated{number}',
        )
        for number in range(count)
    ]
    shared = [
        make_cell(cell, cpus=4, shared=True, pages=((4, 2**19),))
        for cell in range(2)
    ]
    return [
        *dedicated,
        make_host(*shared, name='shared', cpu_allocation_ratio=2.0),
    ]


def cloud(host_filter=NUMATopologyFilter, values=None, **fields):
    return nova_parts.SimulatedCloud(
        hosts() if values is None else values,
        lambda: nova_parts.Scheduler([host_filter()], []),
        **fields,
    )


def ranked(made, wanted, ignored=()):
    return made.ranked(0, 'server', wanted, list(ignored))


def walk(seed, *clouds, steps=60):
    """Have clouds do the same at random; give each step's own number."""
    draw = random.Random(seed)
    claims = []
    for step in range(steps):
        if claims and draw.random() < 0.4:
            claim = claims.pop(draw.randrange(len(claims)))
            for made in clouds:
                made.release(claim)
        else:
            claim = str(step)
            wanted = draw.choice((*SHAPES, *SHARED_SHAPES))
            host = draw.choice(['dedicated0', 'dedicated1', 'shared'])
            if {made.allocate(claim, wanted, host) for made in clouds} == {
                False
            }:
                continue
            if {made.claim(claim, wanted, host) for made in clouds} == {True}:
                claims.append(claim)
            else:
                for made in clouds:
                    made.release(claim)
        yield step
    for claim in claims:
        for made in clouds:
            made.release(claim)


def facts(made):
    """Give all that a claim may change."""
    return {
        name: (
            convert.host(state),
            state.free_ram_mb,
            state.vcpus_used,
            state.num_instances,
            made._placement[name],
        )
        for name, state in made._states.items()
    }
