"""The commands of the page about Watcher, by its own client."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud import on_disk
from tests.functional import documents
from tests.watcher.test_strategies import boot, flavor, name_of

pytestmark = pytest.mark.usefixtures('enable')

BLOCKS = [
    block.text.replace('\\\n', ' ')
    for block in documents.blocks('console', document='watcher.rst')
]


@pytest.fixture
def shell(engine):
    """Give a function that runs a line of the page, and gives its output."""
    environment = {
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
        'OS_AUTH_TYPE': 'none',
        'OS_ENDPOINT': engine.url.removesuffix('/v1'),
    }

    def run(line):
        ran = subprocess.run(
            ['sh', '-c', line],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, (line, ran.stderr)
        return ran.stdout

    return run


@pytest.mark.parametrize('block', BLOCKS, ids=['drain', 'make room'])
def test_each_command_does_what_is_said(
    cloud, engine, shell, databases, block
):
    servers = boot(cloud, 'half')
    names = {
        'node1': 'half',
        'pinned.24': name_of(cloud, flavor(cloud, 4)),
    }
    on_disk.copy_databases(databases)
    for line in re.findall(r'(?m)^\$ (.*)', block):
        for told, meant in names.items():
            line = line.replace(told, meant)
        if 'audit create' in line:
            audit = shell(f'{line} -f value -c UUID').strip()
            audit = engine.wait(f'audits/{audit}')
            assert audit['state'] == 'SUCCEEDED', engine.errors()
            plan = engine.plan_of(audit)
            names |= {'<audit>': audit['uuid'], '<plan>': plan['uuid']}
        elif 'audit show' in line:
            assert audit['status_message'].split()[0] in shell(line)
        elif 'actionplan list' in line:
            assert plan['uuid'] in shell(line)
        elif 'action list' in line:
            assert 'change_nova_service_state' in shell(line)
        else:
            assert 'actionplan start' in line
            shell(line)
            engine.wait(f'action_plans/{plan["uuid"]}')
            assert 'half' not in map(cloud.host_of, servers)
