"""Plans as pictures."""

import html
import pathlib
import re
from xml.etree import ElementTree

import pytest

EXAMPLE = pathlib.Path(__file__).parents[3] / 'doc' / 'source' / 'example.json'


@pytest.fixture
def draw(run, tmp_path):
    """Run a command with a picture; gives what is on it, as text."""

    def draw(kind, *arguments):
        path = tmp_path / f'plan.{kind}'
        status, _, err = run(
            *arguments, f'--{kind}={path}', f'--snapshot={EXAMPLE}'
        )
        assert (status, err) == (0, '')
        return path.read_text()

    return draw


def names(text):
    """Give the hosts of a drawing, from the top."""
    return re.findall(
        r'<g class="host" role="group" aria-label="([^"]+)"', text
    )


def servers(text):
    """Give the servers of each host of a drawing."""
    parts = text.split('<g class="host"')[1:]
    label = re.compile(r'class="server"[^>]*aria-label="\w+ ([^:]+):')
    return dict(zip(names(text), map(label.findall, parts), strict=True))


def test_hosts_that_take_part_are_drawn_before_and_after(draw):
    text = draw('svg', 'drain', 'node1')
    ElementTree.fromstring(text)
    assert names(text) == [
        *('node1, before', 'node1, after'),
        *('node4, before', 'node4, after'),
        *('node2, before', 'node2, after'),
    ]


def test_the_moves_stand_there_in_words(draw):
    text = ' '.join(
        re.findall(r'<text[^>]*>([^<]*)<', draw('svg', 'drain', 'node1'))
    )
    for words in (
        'wave 1: db-1 goes to node4',
        'wave 1: db-1 has come from node1, to cell 1',
        'wave 3: cache-1 goes to node2',
    ):
        assert words in text


def test_after_it_servers_are_on_their_new_hosts(draw):
    drawn = servers(draw('svg', 'drain', 'node1'))
    assert {'db-1', 'web-1', 'cache-1'} == set(drawn['node1, before'])
    assert drawn['node1, after'] == []
    assert 'db-1' not in drawn['node4, before']
    assert 'db-1' in drawn['node4, after']


def test_a_page_says_the_same(draw):
    text = html.unescape(draw('html', 'drain', 'node1'))
    headings = re.findall(r'<h1 id="[^"]*">([^<]*)</h1>', text)
    assert headings[:2] == ['node1, before', 'node1, after']
    assert 'wave 1: db-1 goes to node4' in text


def test_without_steps_there_is_no_picture(run, tmp_path):
    path = tmp_path / 'plan.svg'
    status, out, _ = run(
        *('make-room', '--flavor=pinned.16', f'--svg={path}'),
        f'--snapshot={EXAMPLE}',
    )
    assert status == 0
    assert 'there is room already' in out
    assert not path.exists()


@pytest.mark.parametrize('kind', ['svg', 'html'])
def test_a_file_that_is_there_is_left_alone(run, tmp_path, kind):
    path = tmp_path / 'mine'
    path.write_text('mine')
    asked = ('drain', 'node1', f'--{kind}={path}', f'--snapshot={EXAMPLE}')
    status, out, err = run(*asked)
    assert (status, out) == (1, '')
    assert err == f'{path}: is there; --force replaces it\n'
    assert path.read_text() == 'mine'
    assert run(*asked, '--force')[0] == 0
    assert path.read_text() != 'mine'
