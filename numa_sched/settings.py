"""The values of all options, read at once."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from oslo_config import cfg

from numa_sched import conf
from numa_sched.exceptions import ConfigError


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The value of every option, by its name."""

    fit_strategy: str
    fit_share_out: float
    claim_seconds: float
    scheduler_workers: int
    fit_mix: Sequence[Mapping[str, str]] | None
    fit_mix_half_life: float
    fit_weight_multiplier: float
    refusal_penalty: float
    refusal_half_life: float
    refusals_file: str | None
    refusals_kept: int
    lazy_topologies: bool
    collect_after: int
    image_wishes: bool
    api_contradictions: Literal['refuse', 'warn']
    post_copy_with_vhost_user: bool


def read(config: cfg.ConfigOpts) -> Settings:
    """Give the values of all options.

    :param config: a ``ConfigOpts`` with the options registered
    :raises ConfigError: if any has a bad value; a line for each says which
        option has which value, where, and what is allowed
    """
    values, wrong = _read(config)
    if wrong:
        raise ConfigError('\n'.join(wrong.values()))
    return Settings(**values)


def read_or_defaults(
    config: cfg.ConfigOpts,
) -> tuple[Settings, tuple[str, ...]]:
    """Give the values of all options, and what is wrong with any.

    One with a bad value gets its default, in ``config`` too: Nova logs all
    options at its start and would end there. Raises nothing.

    :param config: a ``ConfigOpts``, with the options registered or not
    """
    values, wrong = _read(config)
    for name in wrong:
        try:
            config.set_override(name, values[name], group=conf.GROUP.name)
        except Exception:  # not ours: nobody reads it as an option of ours
            continue
    return Settings(**values), tuple(
        f'{why}. The default is used ({values[name]})'
        for name, why in wrong.items()
    )


def _read(config: cfg.ConfigOpts) -> tuple[dict[str, Any], dict[str, str]]:
    """Give values or else defaults, and what is wrong, by option."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for option in conf.OPTS:
        try:
            values[option.dest] = config[conf.GROUP.name][option.dest]
        except Exception as error:
            values[option.dest] = option.default
            wrong[option.dest] = f'[{conf.GROUP.name}] {option.name}: {error}'
    return values, wrong
