import pytest
from oslo_config import cfg, generator

from numa_sched import conf


@pytest.fixture
def config():
    config = cfg.ConfigOpts()
    conf.register_opts(config)
    config([])
    return config


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
