"""The examples of the page of tools: what it shows is what is written."""

import pathlib
import re
import shlex

import pytest

ROOT = pathlib.Path(__file__).parents[3]
PAGE = ROOT / 'doc/source/tools.rst'
CLOUD = ROOT / 'doc/source/example.json'
BLOCK = re.compile(
    r'^\.\. code-block:: console\n\n   \$ (.+)\n((?:   .*\n|\n)*)',
    re.MULTILINE,
)


def examples():
    """Give commands of the page, each with what follows it there."""
    for command, below in BLOCK.findall(PAGE.read_text()):
        lines = [line.removeprefix('   ') for line in below.splitlines()]
        yield pytest.param(
            shlex.split(command)[1:], '\n'.join(lines).rstrip(), id=command
        )


@pytest.mark.parametrize(('arguments', 'shown'), list(examples()))
def test_a_command_writes_what_the_page_shows(
    run, arguments, shown, monkeypatch
):
    monkeypatch.chdir(CLOUD.parent)
    source = [] if '--last' in arguments else ['--snapshot', CLOUD.name]
    status, out, err = run(*arguments, *source)
    assert (status, err) == (0, '')
    lines = [line.rstrip() for line in out.splitlines()]
    assert '\n'.join(lines).rstrip() == shown


def test_every_command_has_an_example():
    named = {each.values[0][0] for each in examples()}
    assert named == {'explain', 'rank', 'capacity', 'policy'}
