"""The commands that the documents show, and their output."""

from tests.cloud import started_cloud  # isort: skip

import os
import re
import subprocess

import pytest
from nova import context, objects

from numa_sched import policy
from tests.cloud import machines
from tests.functional import documents
from tests.functional.osc.conftest import PROGRAM

AC, PC = policy.WISHES


@pytest.fixture(scope='module')
def cloud():
    """The cloud that the examples are of."""
    with started_cloud() as running:
        for name, dedicated in (
            ('node1', set()),
            ('node2', {2, 3}),
            ('node3', {2, 3}),
        ):
            running.add_host(
                name,
                machines.symmetric(1, 4),
                dedicated=dedicated,
                shared=set(range(4)) - dedicated,
            )
        running.set_traits('node1', add=[AC.trait])
        objects.Flavor(
            context=context.get_admin_context(),
            name='pinned',
            flavorid='pinned',
            vcpus=2,
            memory_mb=512,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            rxtx_factor=1.0,
            extra_specs={
                'hw:cpu_policy': 'dedicated',
                AC.flavor_key: 'true',
            },
        ).create()
        image = running.add_image(**{PC.image_key: 'true'})
        running.glance.images[image]['name'] = 'debian'
        yield running


@pytest.fixture
def shell(server):
    """Give a function that runs a line of a document."""

    def run(line):
        return subprocess.run(
            ['sh', '-c', line],
            env={
                **server.environment,
                'PATH': f'{PROGRAM.parent}:{os.environ["PATH"]}',
            },
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.newest
def test_each_example_prints_what_is_shown(shell):
    """In the order of the page: one follows from the other."""
    shown = documents.blocks('console', document='openstack.rst')
    assert shown
    for block in shown:
        for example in re.split(r'(?m)^\$ ', block.text)[1:]:
            line, _, output = example.partition('\n')
            ran = shell(line)
            told = documents.paragraph(ran.stderr + ran.stdout)
            assert told == documents.paragraph(output), line


@pytest.mark.parametrize(
    ('document', 'verb', 'left'),
    [
        ('README.rst', 'set', {AC.trait}),
        ('compute.rst', 'unset', set()),
    ],
)
def test_what_other_pages_tell_to_do_leaves_all_other_traits(
    shell, cloud, document, verb, left
):
    (line,) = [
        line
        for block in documents.blocks(document=document)
        for line in block.text.splitlines()
        if line.startswith(f'openstack numa host {verb}')
    ]
    cloud.set_traits('node3', remove=policy.TRAITS)
    others = cloud.traits_of('node3')
    if verb == 'unset':
        cloud.set_traits('node3', add=policy.TRAITS)
    ran = shell(line.replace('<host>', 'node3'))
    assert ran.returncode == 0, ran.stderr
    assert cloud.traits_of('node3') == others | left
