"""What the documents tell an operator to write, run and expect is true."""

import configparser
import contextlib
import inspect
import io
import logging
import pathlib
import re
import subprocess
import sys
from unittest import mock

import nova.conf
import os_traits
import pytest
from nova import config as nova_config
from nova.api.wsgi import Loader
from nova.scheduler.host_manager import HostManager
from oslo_config import cfg
from oslo_log import log as oslo_log

from numa_sched import conf, policy
from numa_sched.nova.scheduler.filters import NUMAFitFilter
from tests.builders import GIANT_KB, make_cell, make_guest, make_host
from tests.cloud import SCHEDULER_OPTIONS
from tests.cloud import api as cloud_api
from tests.functional import documents
from tests.functional.scheduler.requests import make_host_state, make_request

STOCK_PASTE = pathlib.Path(sys.prefix, 'etc/nova/api-paste.ini')
OF_NOVA = [
    module
    for module in vars(nova.conf).values()
    if inspect.ismodule(module) and hasattr(module, 'register_opts')
]
# Of other services, and of other files than nova.conf.
OTHER_SECTIONS = (
    *('composite:', 'filter:', 'uwsgi', 'options.entry_points'),
    *('nova-base-plugin-', 'watcher_strategies.'),
)


@pytest.fixture
def options():
    """All options of Nova and ours, as nothing has set them."""
    made = cfg.ConfigOpts()
    oslo_log.register_options(made)
    for module in OF_NOVA:
        # Those of the other services' clients are changed once registered.
        with contextlib.suppress(cfg.DuplicateOptError):
            module.register_opts(made)
    conf.register_opts(made)
    return made


def sections(text):
    """Give the sections of an ini block; an option may be there twice."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return parser


def is_nova_conf(block):
    return not any(
        name.startswith(OTHER_SECTIONS)
        for name in sections(block.text).sections()
    )


NOVA_CONF = [each for each in documents.blocks('ini') if is_nova_conf(each)]
SCHEDULER = documents.block('ini', containing='[filter_scheduler]')
EDIT_PASTE = documents.block(document='README.rst', containing='sed -i')
PASTE_FILTER = documents.block(
    'ini', document='README.rst', containing='[filter:'
)


def read(options, text, directory):
    """Have options read a block as a configuration file."""
    path = directory / 'nova.conf'
    path.write_text(text)
    options([], default_config_files=[str(path)])
    return options


@pytest.mark.parametrize('block', NOVA_CONF, ids=str)
def test_every_option_that_is_set_is_one_and_takes_the_value(
    block, options, tmp_path
):
    read(options, block.text, tmp_path)
    for section, settings in sections(block.text).items():
        group = options if section == 'DEFAULT' else options[section]
        for name in settings.keys() - sections('').defaults().keys():
            getattr(group, name)


def named_options():
    return sorted(
        {
            (document, *found.groups())
            for document, word in documents.WORDS
            if (found := re.match(r'\[(\w+)\][ /](\w+)', word))
        }
    )


@pytest.mark.parametrize(('document', 'group', 'name'), named_options())
def test_every_option_that_a_sentence_names_is_one(
    document, group, name, options
):
    options([], default_config_files=[])
    getattr(options if group == 'DEFAULT' else options[group], name)


def test_what_is_set_for_the_scheduler_is_nova_s_default_and_ours(
    options, tmp_path
):
    options([], default_config_files=[])
    stock = options.filter_scheduler
    stock = {
        name: list(getattr(stock, name))
        for name in ('available_filters', 'enabled_filters', 'weight_classes')
    }
    told = read(options, SCHEDULER, tmp_path).filter_scheduler
    added = {
        'available_filters': ['numa_sched.nova.all_filters'],
        'enabled_filters': ['NUMAFitFilter', 'MigrationDestinationFilter'],
        'weight_classes': ['numa_sched.nova.all_weighers'],
    }
    for name, defaults in stock.items():
        assert list(getattr(told, name)) == [*defaults, *added[name]]
        assert SCHEDULER_OPTIONS[name] == list(getattr(told, name))


@pytest.fixture
def host_manager(options, tmp_path):
    """Nova's, set as told; what it reads from the database is left out."""
    told = read(options, SCHEDULER, tmp_path).filter_scheduler
    for name in SCHEDULER_OPTIONS:
        nova.conf.CONF.set_override(
            name, getattr(told, name), group='filter_scheduler'
        )
    reads = ('refresh_cells_caches', '_init_aggregates', '_init_instance_info')
    with mock.patch.multiple(
        HostManager, **dict.fromkeys(reads, mock.DEFAULT)
    ):
        yield HostManager()
    for name in SCHEDULER_OPTIONS:
        nova.conf.CONF.clear_override(name, group='filter_scheduler')


def test_nova_loads_all_that_is_set_for_the_scheduler(host_manager):
    names = [type(each).__name__ for each in host_manager.enabled_filters]
    assert names == SCHEDULER_OPTIONS['enabled_filters']
    names = {type(each).__name__ for each in host_manager.weighers}
    assert {'NUMAFitWeigher', 'RAMWeigher'} <= names


@pytest.mark.newest
def test_our_debug_messages_are_asked_for_beside_nova_s_levels(
    options, tmp_path
):
    nova_config.set_log_defaults()
    stock = [*oslo_log.get_default_log_levels(), 'glanceclient=WARN']
    told = documents.block('ini', containing='default_log_levels')
    levels = read(options, told, tmp_path).default_log_levels
    assert levels == [
        *stock,
        'oslo.privsep.daemon=INFO',
        'numa_sched=DEBUG',
    ]


def edited(directory):
    """Give the paste file of Nova's wheel as the README has it edited."""
    path = directory / 'api-paste.ini'
    path.write_text(STOCK_PASTE.read_text())
    command = EDIT_PASTE.replace('/etc/nova/api-paste.ini', str(path))
    for _ in range(2):
        subprocess.run(['sh', '-ec', command], check=True)
    with path.open('a') as file:
        file.write(f'\n{PASTE_FILTER}\n')
    return path


def as_dict(parser):
    return {name: dict(section) for name, section in parser.items()}


def test_the_paste_file_comes_to_what_the_tests_are_run_with(tmp_path):
    other = cloud_api.write_paste_file(tmp_path / 'other.ini', filtered=True)
    assert as_dict(sections(edited(tmp_path).read_text())) == as_dict(
        sections(pathlib.Path(other).read_text())
    )


@pytest.mark.newest
def test_the_pipelines_shown_are_what_the_paste_file_comes_to(tmp_path):
    shown = documents.block('ini', document='api.rst', containing='composite:')
    edited_file = as_dict(sections(edited(tmp_path).read_text()))
    for name, section in as_dict(sections(shown)).items():
        assert edited_file[name] == section


def test_the_command_for_the_options_prints_them_all():
    command = documents.block(containing='oslo-config-generator').split()
    printed = subprocess.run(
        [pathlib.Path(sys.prefix, 'bin', command[0]), *command[1:]],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for option in conf.OPTS:
        assert f'#{option.name} = ' in printed


def test_the_directory_given_to_glance_holds_our_definitions_alone():
    command = documents.block(
        document='README.rst', containing='glance-manage'
    ).split()
    (file,) = (documents.ROOT / command[-1]).iterdir()
    assert file.name == 'compute-live-migration-policy.json'


COMMANDS = ('$', 'glance-manage', 'numa', 'openstack', 'pip', 'python3')
SHELL = [
    each
    for each in documents.blocks()
    if each.text.startswith((*COMMANDS, 'sed', 'tox', 'oslo-config'))
]


@pytest.mark.parametrize('block', SHELL, ids=str)
def test_what_is_to_be_typed_is_what_a_shell_takes(block):
    lines = re.sub(r'<[\w ]+>', 'NAME', block.text).splitlines()
    if lines[0].startswith('$ '):
        lines = [line[2:] for line in lines if line.startswith('$ ')]
    subprocess.run(['sh', '-nc', '\n'.join(lines)], check=True)


TOX = configparser.ConfigParser()
TOX.read(documents.ROOT / 'tox.ini')


@pytest.mark.parametrize(
    'line',
    sorted(
        {
            line.rpartition('/')[2] if line.startswith('python3') else line
            for block in SHELL
            for line in block.text.splitlines()
            if re.search(r'\btox -e', line)
        }
    ),
)
def test_a_line_with_tox_names_what_there_is(line):
    _, _, environment, *arguments = line.split()
    assert f'testenv:{environment}' in TOX
    if arguments and arguments[1].startswith('benchmarks.'):
        file = documents.ROOT / f'{arguments[1].replace(".", "/")}.py'
        source = file.read_text()
        for flag in re.findall(r'--\w\S*', line):
            assert f"'{flag}'" in source
    elif arguments:
        assert (documents.ROOT / arguments[1]).exists()


def test_files_and_tests_that_are_named_are_there():
    tests = '\n'.join(
        path.read_text() for path in (documents.ROOT / 'tests').rglob('*.py')
    )
    for document, word in documents.WORDS:
        if re.fullmatch(r'test_\w+', word):
            assert f'def {word}(' in tests, document
        if re.fullmatch(r'(benchmarks|etc|numa_sched|tests)/[\w./-]+', word):
            assert (documents.ROOT / word).exists(), document


@pytest.mark.parametrize('name', documents.PATHS, ids=lambda path: path.name)
def test_traits_and_keys_are_spelt_as_they_are_known(name):
    text = name.read_text()
    # Where misspelt keys are the matter.
    text = re.sub(
        r'\nKeys that only look right\n-+\n.*?\n-+\n', '', text, flags=re.S
    )
    keys = {key for each in policy.WISHES for key in each}
    traits = set(re.findall(r'\bCOMPUTE_MIGRATE_\w+', text))
    assert traits <= set(os_traits.get_traits())
    named = set(re.findall(r'\bcompute[:_]live_migration_[a-z]\w*', text))
    assert named <= keys


def quoted(start, *, document):
    """Give the message of a document that begins with something."""
    (text,) = {
        documents.paragraph(block.text)
        for block in documents.blocks(document=document)
        if documents.paragraph(block.text).startswith(start)
    }
    return text


def node7():
    cells = (make_cell(n, pages=((GIANT_KB, 2),)) for n in range(2))
    return make_host_state(make_host(*cells, name='node7'))


def messages_about(states, caplog, level, specs, **fields):
    """Give what is logged as hosts are filtered, the server as quoted."""
    request = make_request(specs, **fields)
    with caplog.at_level(level, 'numa_sched'):
        assert not list(NUMAFitFilter().filter_all(states, request))
    return [
        record.getMessage().replace(request.instance_uuid, '5a0e...')
        for record in caplog.records
        if record.name.startswith('numa_sched')
    ]


def test_the_reason_quoted_is_the_one_that_is_logged(caplog):
    specs = {'hw:mem_page_size': '1GB'}
    logged = messages_about([node7()], caplog, logging.DEBUG, specs, ram=4096)
    assert quoted('Host node7', document='fit.rst') in logged


def test_the_reasons_quoted_are_grouped_as_they_are_logged(caplog):
    full = make_host(
        *(make_cell(n, pages=((GIANT_KB, 1, 1),)) for n in range(4))
    )
    specs = {'hw:mem_page_size': '1GB', 'hw:numa_nodes': '4'}
    states = [make_host_state(full) for _ in range(41)]
    states += [node7() for _ in range(7)]
    (logged,) = messages_about(
        states, caplog, logging.INFO, specs, vcpus=4, ram=4096
    )
    assert logged == quoted('No host is left', document='fit.rst')


def test_the_reason_quoted_for_a_host_that_is_named_is_the_one_logged(caplog):
    (logged,) = messages_about(
        [make_host_state(make_host(2))],
        caplog,
        logging.INFO,
        {'hw:cpu_policy': 'dedicated'},
        vcpus=3,
    )
    assert logged == quoted('No host is left', document='ranking.rst')


def test_nova_loads_the_paste_file(cloud, tmp_path):
    assert Loader(str(edited(tmp_path))).load_app('osapi_compute')


def test_the_refusal_quoted_is_what_the_api_answers(cloud, door):
    ac, pc = policy.WISHES
    flavor = cloud.add_flavor(**{ac.flavor_key: 'true'})
    image = cloud.add_image(**{pc.image_key: 'true'})
    answered = door.request(
        'POST',
        '/servers',
        {
            'server': {
                'name': 'x',
                'flavorRef': flavor,
                'imageRef': image,
                'networks': 'none',
            }
        },
    )
    assert answered.status_int == 400
    text = documents.block(document='api.rst', containing='server create')
    told = documents.paragraph(text.split('\n', 1)[1])
    told = re.sub(r'flavor [0-9a-f-]{36}', f'flavor {flavor}', told)
    told = re.sub(r'image [0-9a-f-]{36}', f'image {image}', told)
    assert told.startswith('BadRequestException: 400: Client Error for url: ')
    assert told.endswith(f', {answered.json["badRequest"]["message"]}')


BUGS = documents.blocks('python', document='nova-bugs.rst')


@pytest.mark.parametrize('block', BUGS, ids=lambda block: block.text[-40:])
def test_a_snippet_prints_what_it_says(block):
    """Each line of comment at its end is a line of output."""
    lines = block.text.splitlines()
    told = []
    while lines[-1].startswith('# '):
        told.insert(0, lines.pop()[2:])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile('\n'.join(lines), str(block), 'exec'), {})
    printed = printed.getvalue().splitlines()
    assert len(printed) >= len(told)
    for line, wanted in zip(printed, told, strict=False):
        assert line == wanted


def test_the_strategy_shown_ranks_hosts():
    namespace = {}
    exec(documents.block('python', document='plugins.rst'), namespace)
    guest = make_guest(2)
    score = namespace['FewestCells']([]).score
    claims = {
        count: mock.Mock(cells=range(count), spec_set=['cells'])
        for count in (1, 2)
    }
    host = make_host(4, 4)
    assert score(host, guest, claims[1]) > score(host, guest, claims[2])
