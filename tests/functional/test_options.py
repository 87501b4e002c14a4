"""Options with bad values, as Nova's services meet them when they start."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from numa_sched import conf
from tests.garbage import GARBAGE

BIN = pathlib.Path(sys.executable).parent

DATABASES = """
[DEFAULT]
transport_url = fake://
state_path = {path}
[api_database]
connection = sqlite:///{path}/api.db
[database]
connection = sqlite:///{path}/main.db
[placement]
auth_type = none
[filter_scheduler]
available_filters = nova.scheduler.filters.all_filters
available_filters = numa_sched.nova.all_filters
enabled_filters = ComputeFilter,NUMAFitFilter
weight_classes = numa_sched.nova.all_weighers
"""


def run(*command, check=True, **env):
    """Give what a command wrote, to both of its outputs."""
    ended = subprocess.run(
        [str(each) for each in command],
        env={**os.environ, 'PYTHONWARNINGS': 'ignore', **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if check:
        assert ended.returncode == 0, ended.stdout
    return ended


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a nova.conf and gives its path."""

    def write(*lines):
        path = tmp_path / 'nova.conf'
        head = DATABASES.format(path=tmp_path)
        path.write_text('\n'.join([head, '[numa_sched]', *lines, '']))
        return path

    return write


def test_nova_scheduler_does_not_start_and_says_why(write):
    path = write('fit_share_out = nan', 'refusal_half_life = 1e10')
    run(BIN / 'nova-manage', '--config-file', path, 'api_db', 'sync')
    ended = run(BIN / 'nova-scheduler', '--config-file', path, check=False)
    assert ended.returncode == 1
    (line,) = (
        line for line in ended.stdout.splitlines() if 'CRITICAL' in line
    )
    assert '[numa_sched] fit_share_out' in line
    assert "'nan' is not a number from 0 to 1" in line
    assert '[numa_sched] refusal_half_life' in ended.stdout


LOAD_EACH = """
import json, sys
import nova.conf
import numa_sched.nova
from numa_sched.exceptions import ConfigError
from numa_sched.nova.scheduler import demand

path, told = sys.argv[1], []
for name, text in json.load(sys.stdin):
    with open(path, 'w') as file:
        file.write(f'[numa_sched]\\n{name} = {text}\\n')
    nova.conf.CONF(['--config-file', path])
    answers = []
    for load in numa_sched.nova.all_filters, numa_sched.nova.all_weighers:
        demand.of_this_process.cache_clear()
        try:
            load()
            answers.append(None)
        except ConfigError as error:
            answers.append(str(error))
    told.append(answers)
json.dump(told, sys.stdout)
"""
VALUES = [(option.name, text) for option in conf.OPTS for text in GARBAGE]


@pytest.fixture(scope='module')
def told(tmp_path_factory):
    """Give what filters and weighers say of each bad value when loaded."""
    path = tmp_path_factory.mktemp('options') / 'nova.conf'
    ended = subprocess.run(
        [sys.executable, '-c', LOAD_EACH, path],
        input=json.dumps(VALUES),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(VALUES, json.loads(ended.stdout), strict=True))


@pytest.mark.parametrize(('name', 'text'), VALUES)
def test_nothing_is_loaded_with_a_bad_value(told, name, text):
    filters, weighers = told[name, text]
    if (name, text) == ('fit_mix', ''):
        assert (filters, weighers) == (None, None)  # nothing given
        return
    assert f'[numa_sched] {name}' in weighers
    assert '\n' not in weighers
    if name != 'fit_strategy':  # which only the weigher uses
        assert filters == weighers


START_API = """
import inspect, logging, sys
from nova.api.openstack import wsgi_app
from oslo_config import cfg

# As wsgi_app.init_application, but for what needs a database.
path = sys.argv.pop()
begin = wsgi_app.init_global_data
# Before 2026.1 without the name of the program.
taken = len(inspect.signature(begin).parameters) - 1
begin([path], *['osapi_compute', 'nova-api'][:taken])
import nova.api.openstack.compute
cfg.CONF.log_opt_values(logging.getLogger('nova'), logging.DEBUG)
for name in sorted(cfg.CONF.numa_sched):
    print(f'{name} = {cfg.CONF.numa_sched[name]}')
"""


def test_nova_api_starts_with_the_defaults_and_one_error(write):
    path = write(*(f'{option.name} = $garbage' for option in conf.OPTS))
    lines = run(sys.executable, '-c', START_API, path).stdout.splitlines()
    for option in conf.OPTS:
        assert f'{option.name} = {option.default}' in lines
    (error,) = (line for line in lines if ' ERROR ' in line)
    assert all(f'[numa_sched] {each.name}:' in error for each in conf.OPTS)


def test_nova_api_logs_no_error_where_all_is_well(write):
    path = write('api_contradictions = Warn')
    lines = run(sys.executable, '-c', START_API, path).stdout.splitlines()
    assert 'api_contradictions = warn' in lines
    assert not [line for line in lines if ' ERROR ' in line]


LOAD_DRIVER = """
import sys
import nova.tests.functional
from nova.tests.fixtures import libvirt
from nova.conf import CONF
from oslo_log import log

log.register_options(CONF)
CONF(['--config-file', sys.argv.pop()])
log.setup(CONF, 'nova')
libvirt.LibvirtFixture().setUp()
from nova.virt import driver
driver.load_compute_driver(None, 'numa_sched.LibvirtDriver')
print(f'image_wishes = {CONF.numa_sched.image_wishes}')
"""


def test_nova_compute_loads_the_driver_with_the_default_and_one_error(write):
    path = write('image_wishes = perhaps')
    lines = run(sys.executable, '-c', LOAD_DRIVER, path).stdout.splitlines()
    assert 'image_wishes = True' in lines
    (error,) = (line for line in lines if ' ERROR ' in line)
    assert "'perhaps' is neither true nor false" in error
