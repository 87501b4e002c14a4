"""Checks of ``api-paste.ini``: whether each request meets our filter."""

import configparser
from collections.abc import Iterator

from oslo_upgradecheck.upgradecheck import Result

from numa_sched.nova.status.findings import Finding, failure, result, warning

NAME = 'live_migration_policy'
APPLICATION = 'osapi_compute_app_v21'
FACTORIES = {
    'use': f'egg:numa-sched#{NAME}',
    'paste.filter_factory': 'numa_sched.nova.api.paste:factory',
}


def check(text: str, *, warn: bool) -> Result:
    """Tell whether our filter is in each v2.1 pipeline, and in its place.

    :param text: of ``api-paste.ini``
    :param warn: whether ``[numa_sched] api_contradictions`` is ``warn``
    :raises configparser.Error: if it cannot be read
    """
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    ours = {
        section.removeprefix('filter:').strip()
        for section in parser.sections()
        if section.startswith('filter:')
        and any(
            parser[section].get(key) == value
            for key, value in FACTORIES.items()
        )
    }
    pipelines = list(_pipelines(parser))
    if not pipelines:
        return result(
            [
                failure(
                    f'No pipeline leads to {APPLICATION}: take '
                    f'api-paste.ini of your Nova and add {NAME} to it.'
                )
            ]
        )
    found = [
        finding
        for name, words in pipelines
        for finding in _misplaced(name, words, ours)
    ]
    if not ours:
        found.append(
            failure(
                f'Add the section [filter:{NAME}] with '
                f'use = {FACTORIES["use"]}.'
            )
        )
    if warn and not found:
        found.append(
            warning(
                '[numa_sched] api_contradictions is warn: set it to refuse '
                'once the log of nova-api shows nothing that must pass.'
            )
        )
    return result(found)


def _pipelines(
    parser: configparser.RawConfigParser,
) -> Iterator[tuple[str, list[str]]]:
    """Give what leads to the application, by the name of its section.

    Nova's own are composites with a pipeline as one of the options.
    """
    for section in parser.sections():
        for value in parser[section].values():
            words = value.split()
            if APPLICATION in words and len(words) > 1:
                yield section, words


def _misplaced(
    name: str, words: list[str], ours: set[str]
) -> Iterator[Finding]:
    """Give what is wrong with one pipeline."""
    place = words.index(APPLICATION)
    before = words[:place]
    count = sum(word in ours or word == NAME for word in words)
    if not count:
        yield failure(
            f'Put {NAME} right before {APPLICATION} in [{name}]: what comes '
            f'that way is not checked.'
        )
    elif not before or before[-1] not in ours | {NAME}:
        yield warning(f'Move {NAME} right before {APPLICATION} in [{name}].')
    elif count > 1:
        yield warning(f'Name {NAME} once in [{name}].')
