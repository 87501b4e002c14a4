"""The program, as a process of its own, on a real cloud."""

from tests.cloud import started_cloud  # isort: skip

import contextlib
import json
import pathlib
import re
import sqlite3
import subprocess
import sys

import pytest
import webob

from numa_sched import policy
from tests.cloud import SCHEDULER_OPTIONS, loopback, machines, on_disk
from tests.functional import documents

DRIVER = 'numa_sched.LibvirtDriver'
PROGRAM = pathlib.Path(sys.prefix, 'bin', 'numa-sched-status')
CHECKS = {
    'Nova release',
    'Place of the driver',
    'Options of numa_sched',
    'Host filters',
    'Weighers',
    'Order of NUMA cells',
    'Workarounds',
    'API pipelines',
    'Compute RPC pin',
    'Compute services',
    'Migration traits',
    'Compute drivers',
}
SUCCESS, WARNING, FAILURE = 0, 1, 2


@pytest.fixture(scope='module')
def cloud():
    """Two hosts, both with our driver."""
    with started_cloud(compute_driver=DRIVER) as running:
        for name in ('one', 'two'):
            running.add_host(name, machines.symmetric(1, 4))
        yield running


@pytest.fixture(scope='module')
def server(cloud):
    """Placement over HTTP."""
    with loopback.of_cloud(cloud) as running:
        yield running


@pytest.fixture
def databases(cloud, tmp_path):
    """Copies of the databases, by cell."""
    return on_disk.copy_databases(tmp_path)


@pytest.fixture
def configuration(cloud, server, databases, tmp_path):
    """What the README tells to write, and where everything is."""
    return on_disk.configuration(cloud, server, tmp_path)


def run(*arguments, **environment):
    return subprocess.run(
        [PROGRAM, *arguments],
        env={**on_disk.environment(), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def check(configuration, tmp_path):
    """Give a function that runs the program, and gives what it says."""

    def checked(**environment):
        path = configuration.write(tmp_path / 'nova.conf')
        arguments = ('--config-file', path, 'upgrade', 'check', '--json')
        ran = run(*arguments, **environment)
        assert ran.stderr == ''
        told = {
            each['check']: (each['result'], each['details'])
            for each in json.loads(ran.stdout)['checks']
        }
        assert set(told) == CHECKS
        assert ran.returncode == max(code for code, _ in told.values())
        assert not any('\n' in (text or '') for _, text in told.values())
        return told

    return checked


def test_a_cloud_that_is_set_up_as_told_is_fine(check):
    told = check()
    assert {code for code, _ in told.values()} == {SUCCESS}


# As osprofiler, which distributions install beside Nova.
PROFILER = """
from oslo_config import cfg

def set_defaults(conf):
    conf.register_opts([cfg.BoolOpt('enabled', default=False)], 'profiler')
"""


def test_it_can_be_asked_where_osprofiler_is_installed(check, tmp_path):
    package = tmp_path / 'path' / 'osprofiler'
    package.mkdir(parents=True)
    for name, text in (('opts', PROFILER), ('sqlalchemy', '')):
        (package / f'{name}.py').write_text(text)
    (package / '__init__.py').touch()
    told = check(PYTHONPATH=str(package.parent))
    assert {code for code, _ in told.values()} == {SUCCESS}


def test_nothing_is_written_anywhere(check, databases, server):
    def contents():
        found = {}
        for path in databases.values():
            with contextlib.closing(sqlite3.connect(path)) as database:
                found[path] = list(database.iterdump())
        return found

    before = contents()
    server.asked.clear()
    check()
    assert contents() == before
    assert {method for method, _ in server.asked} == {'GET'}


def test_what_is_wrong_in_the_files_is_told(check, configuration, cloud):
    configuration['filter_scheduler']['enabled_filters'] = [
        'NUMATopologyFilter'
    ]
    configuration['filter_scheduler']['weight_classes'] = [
        'nova.scheduler.weights.all_weighers'
    ]
    configuration['wsgi']['api_paste_config'] = cloud.paste_files[False]
    configuration['upgrade_levels'] = {'compute': 'stein'}
    configuration['workarounds'] = {'enable_numa_live_migration': 'true'}
    configuration['numa_sched'] = {'fit_strategy': 'best'}
    configuration['compute'] = {
        'packing_host_numa_cells_allocation_strategy': 'true'
    }
    told = check()
    codes = {name: code for name, (code, _) in told.items() if code}
    assert codes == {
        'Options of numa_sched': FAILURE,
        'Host filters': FAILURE,
        'Weighers': FAILURE,
        'Workarounds': WARNING,
        'API pipelines': FAILURE,
        'Compute RPC pin': FAILURE,
    }
    assert "names 'best'" in told['Options of numa_sched'][1]
    assert 'is True, as this nova.conf says' in told['Order of NUMA cells'][1]


def test_a_bad_option_of_nova_is_told_where_it_matters(check, configuration):
    configuration['numa_sched'] = {'refusal_penalty': '7'}
    configuration['workarounds'] = {'enable_numa_live_migration': 'perhaps'}
    told = check()
    assert told['Options of numa_sched'][0] == FAILURE
    assert 'refusal_penalty' in told['Options of numa_sched'][1]
    assert told['Workarounds'][0] == WARNING


def test_a_host_whose_traits_are_gone_is_named(check, cloud):
    wish = policy.WISHES[1]
    cloud.set_traits('two', remove=[wish.trait])
    try:
        told = check()
    finally:
        cloud.set_traits('two', add=[wish.trait])
    for name in ('Migration traits', 'Compute drivers'):
        code, text = told[name]
        assert code == WARNING
        assert '1 of 2 hosts' in text
        assert '(two)' in text


def rows(text):
    """Give the results in a table, each as one line."""
    return [
        documents.paragraph(row.replace('|', ' '))
        for row in re.split(r'\+-+\+|(?m:^\.\.\.$)|\$.*', text)
        if 'Check: ' in row
    ]


def test_the_example_of_the_document_is_what_is_printed(
    configuration, cloud, tmp_path
):
    configuration['filter_scheduler']['enabled_filters'] = SCHEDULER_OPTIONS[
        'enabled_filters'
    ][:-1]
    path = configuration.write(tmp_path / 'nova.conf')
    cloud.set_traits('two', remove=policy.TRAITS)
    try:
        ran = run('--config-file', path, 'upgrade', 'check')
    finally:
        cloud.set_traits('two', add=policy.TRAITS)
    assert ran.returncode == WARNING
    shown = rows(documents.block('console', document='status.rst'))
    assert len(shown) == 3
    assert set(shown) <= set(rows(ran.stdout))


def test_the_document_tells_of_each_check():
    text = documents.paragraph(documents.TREES['status.rst'].astext())
    for name in CHECKS:
        assert f' {name} ' in text


def test_an_old_compute_is_named(check, databases, cloud):
    for path in databases.values():
        with contextlib.closing(sqlite3.connect(path)) as cell:
            cell.execute(
                "UPDATE services SET version = 39 WHERE host = 'one' AND "
                "binary = 'nova-compute'"
            )
            cell.commit()
    code, text = check()['Compute services']
    assert code == FAILURE
    assert 'nova-compute on one:' in text


@pytest.mark.parametrize(
    ('section', 'change', 'unread', 'why'),
    [
        (
            'api_database',
            {'connection': 'sqlite:////nowhere/at.all'},
            {'Compute services', 'Migration traits', 'Compute drivers'},
            'the API database: ',
        ),
        (
            'api_database',
            {'connection': 'mysql+pymysql://u:p@127.0.0.1:9/nova_api'},
            {'Compute services', 'Migration traits', 'Compute drivers'},
            'the API database: ',
        ),
        (
            'placement',
            {'endpoint': 'http://127.0.0.1:9'},
            {'Migration traits', 'Compute drivers'},
            'placement: ',
        ),
        (
            'placement',
            {'auth_type': ''},
            {'Migration traits', 'Compute drivers'},
            'placement: ',
        ),
        (
            'wsgi',
            {'api_paste_config': 'not-there.ini'},
            {'API pipelines'},
            'not-there.ini is not found',
        ),
    ],
)
def test_what_cannot_be_read_is_a_warning_in_a_line(
    check, configuration, section, change, unread, why
):
    configuration[section] |= change
    told = check()
    assert {name for name, (code, _) in told.items() if code} == unread
    for name in unread:
        code, text = told[name]
        assert code == WARNING
        assert why in text


def test_a_cell_that_cannot_be_read_is_named(check, databases):
    for path in databases.values():
        path.write_text('no database')
    code, text = check()['Compute services']
    assert code == WARNING
    assert 'the database of cell ' in text


def test_a_right_that_is_missing_is_told(check, server):
    server.before = lambda request: webob.Response(status=403, text='no')
    try:
        code, text = check()['Migration traits']
    finally:
        server.before = None
    assert code == WARNING
    assert '403' in text


def test_without_any_configuration_there_are_sentences(tmp_path):
    (tmp_path / 'nova.conf').write_text('')
    ran = run('--config-file', tmp_path / 'nova.conf', 'upgrade', 'check')
    assert ran.returncode == FAILURE
    assert ran.stderr == ''
    assert ran.stdout.startswith('+--')
    assert 'Traceback' not in ran.stdout


@pytest.mark.parametrize(
    'text', [None, 'no section at all'], ids=['missing', 'garbage']
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, text):
    if text:
        (tmp_path / 'nova.conf').write_text(text)
    ran = run('--config-file', tmp_path / 'nova.conf', 'upgrade', 'check')
    assert ran.returncode == 255
    assert ran.stdout == ''
    (line,) = ran.stderr.splitlines()
    assert line.startswith('numa-sched-status: ')
    assert 'nova.conf' in line
