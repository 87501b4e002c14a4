import dataclasses
import logging
import pathlib

import pytest
from oslo_config import cfg, generator

from numa_sched import conf, settings
from numa_sched.exceptions import ConfigError
from tests.garbage import GARBAGE

DEFAULTS = {option.dest: option.default for option in conf.OPTS}

EXAMINED_WHERE_USED = {'fit_strategy', 'fit_mix'}
"""Options whose values only their readers can judge; see their tests."""

RANGED = [
    option for option in conf.OPTS if option.dest not in EXAMINED_WHERE_USED
]


@pytest.fixture
def config():
    config = cfg.ConfigOpts()
    conf.register_opts(config)
    config([])
    return config


@pytest.fixture
def nova_conf(tmp_path):
    """Give a function that reads options from a file, as a service does."""

    def read(**values):
        return read_lines(f'{name} = {text}' for name, text in values.items())

    def read_lines(lines):
        path = tmp_path / 'nova.conf'
        path.write_text('\n'.join(['[numa_sched]', *lines, '']))
        config = cfg.ConfigOpts()
        conf.register_opts(config)
        config(['--config-file', str(path)])
        return config

    read.lines = read_lines
    return read


def test_without_a_file_all_settings_are_the_defaults(config):
    assert dataclasses.asdict(settings.read(config)) == DEFAULTS
    assert settings.read_or_defaults(config) == (settings.read(config), ())


def test_settings_are_those_of_the_file_and_stay_as_they_are(nova_conf):
    config = nova_conf(fit_strategy='pack', fit_share_out=' 0.25 ')
    values = settings.read(config)
    assert (values.fit_strategy, values.fit_share_out) == ('pack', 0.25)
    with pytest.raises(dataclasses.FrozenInstanceError):
        values.fit_strategy = 'spread'


def test_no_option_changes_before_a_service_is_started_again(nova_conf):
    config = nova_conf(fit_share_out='0.25', api_contradictions='warn')
    before = settings.read(config)
    (path,) = config.config_file
    for text in ('0.5', 'nan'):
        pathlib.Path(path).write_text(f'[numa_sched]\nfit_share_out = {text}')
        config.mutate_config_files()  # what Nova does on SIGHUP
        assert settings.read(config) == before


@pytest.mark.parametrize('text', GARBAGE)
@pytest.mark.parametrize('option', RANGED, ids=lambda option: option.name)
def test_garbage_is_an_error_with_option_and_value(nova_conf, option, text):
    with pytest.raises(ConfigError) as raised:
        settings.read(nova_conf(**{option.name: text}))
    told = str(raised.value)
    assert told.startswith(f'[numa_sched] {option.name}: ')
    assert '\n' not in told
    assert text.removeprefix('$') in told


@pytest.mark.parametrize('text', GARBAGE)
@pytest.mark.parametrize('option', RANGED, ids=lambda option: option.name)
def test_garbage_counts_as_not_set_where_a_service_is_to_start(
    nova_conf, option, text
):
    values, wrong = settings.read_or_defaults(nova_conf(**{option.name: text}))
    assert dataclasses.asdict(values) == DEFAULTS
    (told,) = wrong
    assert told.startswith(f'[numa_sched] {option.name}: ')
    assert told.endswith(f'The default is used ({option.default})')


NUMBERS = [each for each in RANGED if isinstance(each.type, conf.Finite)]


@pytest.mark.parametrize('option', NUMBERS, ids=lambda option: option.name)
def test_both_ends_of_a_range_are_allowed_and_nothing_beyond(
    nova_conf, option
):
    for end, step in (option.type.min, -1e-6), (option.type.max, 1e-6):
        at_end = settings.read(nova_conf(**{option.name: end}))
        assert getattr(at_end, option.dest) == end
        beyond = nova_conf(**{option.name: end + step})
        with pytest.raises(ConfigError) as raised:
            settings.read(beyond)
        assert f'from {option.type.min} to {option.type.max}' in str(
            raised.value
        )


@pytest.mark.parametrize('option', NUMBERS, ids=lambda option: option.name)
def test_ranges_are_documented(option):
    for end in {option.type.min, option.type.max}:
        assert f'{end}' in option.help


@pytest.mark.parametrize('text', ['Warn', 'WARN', ' warn', '"warn"'])
def test_choices_are_taken_in_any_case(nova_conf, text):
    config = nova_conf(api_contradictions=text)
    assert settings.read(config).api_contradictions == 'warn'


def test_an_unknown_choice_is_told_with_the_known_ones(nova_conf):
    with pytest.raises(ConfigError, match="'deny' is none of refuse, warn"):
        settings.read(nova_conf(api_contradictions='deny'))


@pytest.mark.parametrize('text', ['FALSE', 'No', 'off', '0'])
def test_truth_values_are_taken_in_any_case(nova_conf, text):
    assert settings.read(nova_conf(image_wishes=text)).image_wishes is False


def test_a_path_is_that_of_a_file_from_the_root_on(nova_conf):
    path = ' /var/lib/nova/refusals '
    values = settings.read(nova_conf(refusals_file=path))
    assert values.refusals_file == path.strip()


@pytest.mark.parametrize('text', ['refusals', './refusals', '/var/lib/nova/'])
def test_another_path_is_told_with_an_example(nova_conf, text):
    with pytest.raises(ConfigError, match='such as /var/lib/nova/refusals'):
        settings.read(nova_conf(refusals_file=text))


@pytest.mark.parametrize('text', ['0', '1001', '1.5'])
def test_how_many_refusals_are_kept_has_a_range(nova_conf, text):
    with pytest.raises(ConfigError, match='whole number from 1 to 1000'):
        settings.read(nova_conf(refusals_kept=text))


def test_an_item_that_is_no_pair_is_told(nova_conf):
    config = nova_conf.lines(['fit_mix = cpus:4', 'fit_mix = cpus'])
    with pytest.raises(ConfigError, match=r"fit_mix: .*'cpus': .*pairs"):
        settings.read(config)


def test_all_that_is_wrong_is_told_a_line_each(nova_conf):
    config = nova_conf(
        fit_share_out='nan', image_wishes='', api_contradictions='no'
    )
    with pytest.raises(ConfigError) as raised:
        settings.read(config)
    lines = str(raised.value).splitlines()
    assert [line.partition(':')[0] for line in lines] == [
        '[numa_sched] fit_share_out',
        '[numa_sched] image_wishes',
        '[numa_sched] api_contradictions',
    ]
    assert all('nova.conf' in line for line in lines)


def test_one_bad_option_leaves_the_others_as_they_are(nova_conf):
    config = nova_conf(refusal_penalty='nan', api_contradictions='warn')
    values, _ = settings.read_or_defaults(config)
    assert values.refusal_penalty == DEFAULTS['refusal_penalty']
    assert values.api_contradictions == 'warn'


def test_after_the_defaults_are_used_a_service_can_log_all_options(nova_conf):
    config = nova_conf(**{option.name: '$garbage' for option in conf.OPTS})
    with pytest.raises(cfg.Error):
        config.log_opt_values(logging.getLogger(__name__), logging.DEBUG)
    settings.read_or_defaults(config)
    config.log_opt_values(logging.getLogger(__name__), logging.DEBUG)
    assert dataclasses.asdict(settings.read(config)) == DEFAULTS


def test_defaults_are_used_where_the_options_are_not_registered():
    values, wrong = settings.read_or_defaults(cfg.ConfigOpts())
    assert dataclasses.asdict(values) == DEFAULTS
    assert len(wrong) == len(conf.OPTS)


def test_the_environment_is_read_like_a_file(config, monkeypatch):
    monkeypatch.setenv('OS_NUMA_SCHED__FIT_SHARE_OUT', 'nan')
    with pytest.raises(ConfigError, match='OS_NUMA_SCHED__FIT_SHARE_OUT'):
        settings.read(config)


def test_options_can_be_registered_twice(config):
    conf.register_opts(config)
    assert config.numa_sched.fit_weight_multiplier == 10.0


@pytest.mark.parametrize('option', conf.OPTS, ids=lambda option: option.name)
def test_every_option_tells_effect_values_and_related_options(option):
    effect, _, rest = option.help.partition('Possible values:')
    values, _, related = rest.partition('Related options:')
    assert all(len(part.split()) > 3 for part in (effect, values, related))


def test_the_generator_writes_every_option(tmp_path):
    sample = tmp_path / 'sample.conf'
    generator.main(['--namespace', 'numa_sched', '--output-file', str(sample)])
    text = sample.read_text()
    assert '[numa_sched]' in text
    for option in conf.OPTS:
        assert f'#{option.name} =' in text
