"""The built wheel beside Nova: what it adds, and what it leaves behind."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

from tests import checkout

pytestmark = pytest.mark.long

ROOT = pathlib.Path(__file__).parents[2]
OURS = 'nova/virt/numa_sched'
LOADED_BY_NOVA = 'numa_sched/nova/compute/nova_virt'


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The wheel, built from a copy that holds nothing else."""
    copy = checkout.copy_to(tmp_path_factory.mktemp('source'))
    built = tmp_path_factory.mktemp('wheel')
    pip('wheel', '--no-deps', '-w', built, copy)
    (path,) = built.glob('*.whl')
    return path


class Environment:
    """An environment of its own with a copy of Nova, in it or elsewhere.

    What else Nova needs is there when code runs, and not for pip to see.
    """

    def __init__(self, directory, nova=None):
        venv.create(directory)
        self.python = directory / 'bin' / 'python'
        (self.packages,) = directory.glob('lib/python*/site-packages')
        self.nova = nova or self.packages
        self.others = pathlib.Path(sysconfig.get_path('purelib'))
        shutil.copytree(
            self.others / 'nova',
            self.nova / 'nova',
            copy_function=os.link,
            ignore=shutil.ignore_patterns('tests', '__pycache__'),
        )

    def files(self):
        """Give the paths of all files, but those that Python caches."""
        return {
            str(path.relative_to(self.packages))
            for path in self.packages.rglob('*')
            if path.is_file() and '__pycache__' not in path.parts
        }

    def run(self, code):
        """Give what a piece of code prints."""
        return subprocess.run(
            [
                *(self.python, '-P', '-W', 'ignore', '-c'),
                f'import sys; sys.path += ["{self.nova}", "{self.others}"]; '
                f'{code}',
            ],
            env={**os.environ, 'PYTHONPATH': ''},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    def driver(self):
        """Give the modules of the driver and of what it is made from."""
        return self.run(
            'from oslo_utils import importutils as i; '
            'd = i.import_class("nova.virt.numa_sched.LibvirtDriver"); '
            'print(d.__module__, d.__mro__[1].__module__)'
        )


DRIVER = ['numa_sched.nova.compute.libvirt', 'nova.virt.libvirt.driver']
CHECK = (
    'from numa_sched.nova.status import checks; '
    'print(checks.Checks().installation().details)'
)


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path)


@pytest.fixture
def beside(tmp_path):
    """Another directory than Nova's, as pip's beside a distribution's."""
    return Environment(tmp_path / 'ours', tmp_path / 'novas')


def pip(*arguments, into=None):
    subprocess.run(
        [
            *(sys.executable, '-m', 'pip', '-q'),
            *(('--python', into.python) if into else ()),
            *arguments,
        ],
        env={**os.environ, 'PYTHONPATH': ''},
        check=True,
    )


def test_one_file_is_added_to_nova_and_taken_away_again(environment, wheel):
    before = environment.files()
    pip('install', '--no-deps', wheel, into=environment)
    added = environment.files() - before
    assert {path for path in added if path.startswith('nova/')} == {
        f'{OURS}/__init__.py'
    }
    assert environment.driver() == DRIVER
    assert environment.run(CHECK) == ['None']
    pip('uninstall', '-y', 'numa-sched', into=environment)
    assert environment.files() == before
    assert not (environment.packages / OURS).exists()
    assert environment.run('import nova.virt.driver; print("fine")') == [
        'fine'
    ]


def test_a_driver_that_nova_does_not_find_is_told_with_what_helps(
    beside, wheel
):
    pip('install', '--no-deps', wheel, into=beside)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        beside.driver()
    assert "No module named 'nova.virt.numa_sched'" in caught.value.stderr
    _, command = ' '.join(beside.run(CHECK)).split(' or run: ')
    subprocess.run(command, shell=True, check=True)
    assert beside.driver() == DRIVER
    assert beside.run(CHECK) == ['None']


def test_all_of_the_package_is_in_the_wheel(environment, wheel):
    pip('install', '--no-deps', wheel, into=environment)
    sources = {
        str(path.relative_to(ROOT)).replace(LOADED_BY_NOVA, OURS)
        for path in (ROOT / 'numa_sched').rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }
    installed = {
        path
        for path in environment.files()
        if path.startswith(('numa_sched/', OURS))
    }
    assert installed == sources


def test_what_glance_is_told_has_a_directory_of_its_own(wheel):
    names = map(pathlib.PurePath, zipfile.ZipFile(wheel).namelist())
    data = [name for name in names if name.parts[0].endswith('.data')]
    assert [name.parts[2:] for name in data] == [
        (
            *('share', 'numa_sched', 'metadefs'),
            'compute-live-migration-policy.json',
        )
    ]
