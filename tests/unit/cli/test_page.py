"""The examples of the documents: what they show is what is written."""

import pathlib
import re
import shlex

import pytest

ROOT = pathlib.Path(__file__).parents[3]
PAGES = [ROOT / 'doc/source' / name for name in ('tools.rst', 'plans.rst')]
README = ROOT / 'README.rst'
CLOUD = ROOT / 'doc/source/example.json'
BLOCK = re.compile(
    r'^\.\. code-block:: console\n\n   \$ (.*numa-sched .+)\n'
    r'((?:   .*\n|\n)*)',
    re.MULTILINE,
)


def examples(*pages):
    """Give commands of pages, each with what follows it there."""
    told = '\n'.join(page.read_text() for page in pages)
    for command, below in BLOCK.findall(told):
        lines = [line.removeprefix('   ') for line in below.splitlines()]
        yield pytest.param(
            shlex.split(command)[1:], '\n'.join(lines).rstrip(), id=command
        )


# What a plan says that does not lead to all that is wanted.
SHORT = ('would be left', 'no plan exists')


@pytest.mark.parametrize(('arguments', 'shown'), list(examples(*PAGES)))
def test_a_command_writes_what_a_page_shows(
    run, arguments, shown, monkeypatch
):
    monkeypatch.chdir(CLOUD.parent)
    source = [] if '--last' in arguments else ['--snapshot', CLOUD.name]
    status, out, err = run(*arguments, *source)
    falls_short = '--by target' in ' '.join(arguments) or any(
        each in shown for each in SHORT
    )
    assert (status, err) == (3 if falls_short else 0, '')
    lines = [line.rstrip() for line in out.splitlines()]
    assert '\n'.join(lines).rstrip() == shown


def test_the_readme_shows_a_command_that_answers(run, monkeypatch):
    ((arguments, shown),) = (each.values for each in examples(README))
    monkeypatch.chdir(ROOT)
    status, out, err = run(*arguments)
    assert (status, err) == (0, '')
    assert out.rstrip() == shown


def test_every_command_has_an_example():
    named = {each.values[0][0] for each in examples(*PAGES)}
    assert named == {
        *('explain', 'rank', 'capacity', 'policy'),
        *('drain', 'make-room', 'keep-room'),
    }
