"""The core stands alone: neither Nova nor oslo nor stevedore."""

import importlib
import pathlib
import subprocess
import sys

import pytest

import numa_sched

ROOT = pathlib.Path(numa_sched.__file__).parent
SHELL = (
    *('nova', 'cli', 'osc', 'watcher'),
    *('conf', 'option_types', 'plugins', 'settings'),
)
FOREIGN = ('nova', 'oslo_', 'stevedore')


def core_modules():
    for path in sorted(ROOT.rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        if parts[0] not in SHELL:
            name = '.'.join(('numa_sched', *parts))
            yield name.removesuffix('.__init__')


def test_the_core_imports_neither_nova_nor_oslo_nor_stevedore():
    code = 'import sys\n'
    code += ''.join(f'import {name}\n' for name in core_modules())
    code += 'print("\\n".join(sys.modules))'
    loaded = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert 'numa_sched.fit.cell' in loaded
    assert [name for name in loaded if name.startswith(FOREIGN)] == []


def test_the_unit_tests_run_without_nova():
    # Its namespace is there, with our one file in it.
    with pytest.raises(ImportError):
        importlib.import_module('nova.conf')
