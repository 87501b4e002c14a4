"""Each of Nova's services loads its own door, and nothing of the others."""

import subprocess
import sys

import pytest

API = (
    'import nova.api.openstack.compute.routes',
    'from nova.api.validation.extra_specs import validators',
    'import numa_sched.nova.api.paste',
)
SCHEDULER = (
    'import nova.scheduler.manager',
    'import numa_sched.nova as ours',
    'ours.all_filters()',
    'ours.all_weighers()',
)
COMPUTE = (
    'from nova.virt import driver',
    'import nova.virt.numa_sched',
    'nova.virt.numa_sched.LibvirtDriver',
)
STATUS = ('import numa_sched.nova.status.checks',)
FIT = ('numa_sched.fit', 'numa_sched.score', 'numa_sched.history')


def loaded(*statements):
    """Give the modules that are there after some statements."""
    code = (*statements, 'import sys', r'print("\n".join(sys.modules))')
    return subprocess.run(
        [sys.executable, '-c', '\n'.join(code)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


def below(modules, *packages):
    return [
        module
        for module in modules
        if any(f'{module}.'.startswith(f'{each}.') for each in packages)
    ]


@pytest.mark.parametrize(
    ('door', 'statements', 'not_there'),
    [
        ('api', API, ('scheduler', 'compute')),
        ('scheduler', SCHEDULER, ('api.paste', 'api.compute', 'compute')),
        ('compute', COMPUTE, ('scheduler', 'api')),
        ('status', STATUS, ('scheduler', 'api', 'compute')),
    ],
)
def test_a_service_loads_its_own_door_alone(door, statements, not_there):
    modules = loaded(*statements)
    assert below(modules, f'numa_sched.nova.{door}')
    others = (f'numa_sched.nova.{each}' for each in not_there)
    assert below(modules, *others) == []


@pytest.mark.parametrize('statements', [API, COMPUTE], ids=['api', 'compute'])
def test_only_the_scheduler_loads_the_fit_engine_and_numpy(statements):
    modules = loaded(*statements)
    assert below(modules, *FIT) == []
    assert below(modules, 'numpy') == []
