import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from numa_sched.cli import source
from numa_sched.cli.map import Map, chosen
from numa_sched.exceptions import NotFoundError, OutputError
from numa_sched.fleet import snapshot
from tests.unit.draw.fleets import make_cloud, make_fleet_host


class App:
    """What a command gets of its application, and the fleet it reads."""

    def __init__(self, fleet, encoding='utf-8'):
        self._fleet, self.asked = fleet, 0
        self.raw = io.BytesIO()
        self.stdout = io.TextIOWrapper(
            self.raw, encoding=encoding, newline='\n'
        )

    def fleet(self, parsed_args):
        assert parsed_args.snapshot == 'cloud.json'
        self.asked += 1
        return self._fleet

    @property
    def said(self):
        self.stdout.flush()
        return self.raw.getvalue().decode(self.stdout.encoding)


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv('COLUMNS', '100')


def run(*arguments, app=None):
    app = app or App(make_cloud(3))
    command = Map(app, None)
    parsed = command.get_parser('map').parse_args(
        ['--snapshot', 'cloud.json', *arguments]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, 'fleet', app.fleet)
        command.take_action(parsed)
    return app


def test_all_hosts_have_a_line_each():
    lines = run().said.splitlines()
    assert [line.split()[0] for line in lines] == [
        *('host', 'node1', 'node2', 'node3', 'Free,')
    ]


def test_they_are_sorted_as_asked():
    lines = run('--sort', 'room').said.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [
        *('node3', 'node2', 'node1')
    ]


def test_a_host_that_is_named_is_drawn():
    said = run('node2').said
    assert said.startswith('node2  zone az3, up\n')
    assert 'cell 3, socket 3' in said


def test_hosts_are_drawn_in_the_order_in_which_they_are_named():
    lines = run('node3', 'node1', 'node3').said.splitlines()
    assert [line.split()[0] for line in lines if line[:4] == 'node'] == [
        *('node3', 'node1')
    ]


def test_a_page_goes_to_a_file_and_nothing_to_the_terminal(tmp_path):
    target = tmp_path / 'fleet.html'
    assert run('--html', str(target)).said == ''
    assert '<h1>3 hosts</h1>' in target.read_text()


def test_a_host_has_a_page_of_its_own(tmp_path):
    target = tmp_path / 'host.html'
    run('node1', '--html', str(target))
    assert '<h1 id="host1">node1</h1>' in target.read_text()


@pytest.mark.parametrize('hosts', [(), ('node1',)])
def test_both_kinds_may_be_written_at_once(tmp_path, hosts):
    page, drawing = tmp_path / 'page.html', tmp_path / 'drawing.svg'
    app = run(*hosts, '--html', str(page), '--svg', str(drawing))
    assert page.read_text().startswith('<!doctype html>')
    ElementTree.fromstring(drawing.read_text())
    assert app.asked == 1


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii'])
def test_standard_output_is_written_to_in_its_encoding(encoding):
    host = make_fleet_host(None, 'Köln')
    fleet = make_cloud(1)
    fleet = type(fleet)((host, *fleet.hosts), fleet.servers)
    said = run('--svg', '-', app=App(fleet, encoding)).said
    assert 'Köln' in ''.join(ElementTree.fromstring(said).itertext())


def test_a_file_that_is_there_is_told_before_any_work(tmp_path):
    target = tmp_path / 'page.html'
    target.write_text('before')
    app = App(make_cloud(1))
    with pytest.raises(OutputError):
        run('--html', str(target), app=app)
    assert app.asked == 0
    run('--html', str(target), '--force', app=app)
    assert target.read_text() != 'before'


def test_a_host_that_there_is_not_is_told_with_those_it_may_be():
    with pytest.raises(NotFoundError) as raised:
        run('nod2')
    assert str(raised.value) == (
        "there is no host 'nod2'; is it 'node2' or 'node3' or 'node1'?"
    )
    with pytest.raises(NotFoundError, match=r"^there is no host '\\x1b'$"):
        run('\x1b')


def test_a_host_may_have_several_nodes():
    nodes = [
        make_fleet_host(name='ironic', nodename=f'node{number}')
        for number in range(3)
    ]
    assert chosen(nodes, ['ironic']) == tuple(nodes)
    assert chosen(nodes, ['node2', 'node0']) == (nodes[2], nodes[0])
    assert chosen(nodes, ['node1', 'ironic']) == (
        nodes[1],
        nodes[0],
        nodes[2],
    )


def test_the_command_loads_what_draws_only_to_draw():
    code = (
        'import sys, numa_sched.cli.map; '
        'print([name for name in ("rich", "jinja2", "numpy", '
        '"numa_sched.draw.build", "numa_sched.draw.page") '
        'if name in sys.modules])'
    )
    said = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip() == '[]'


def test_a_reader_that_goes_away_ends_it_as_a_signal_would(tmp_path):
    cloud = tmp_path / 'cloud.json'
    cloud.write_bytes(snapshot.dumps(make_cloud(1)))
    with subprocess.Popen(
        [
            *(sys.executable, '-m', 'numa_sched.cli', 'map', 'node1'),
            *('--snapshot', str(cloud)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b''
    assert running.returncode == 141


def test_it_is_a_command_that_reads_a_snapshot(tmp_path):
    cloud, drawing = tmp_path / 'cloud.json.gz', tmp_path / 'cloud.svg'
    cloud.write_bytes(snapshot.dumps(make_cloud(2)))

    def numa_sched(*arguments):
        return subprocess.run(
            [
                *(sys.executable, '-m', 'numa_sched.cli', 'map'),
                *arguments,
                *('--snapshot', str(cloud)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    assert numa_sched('node1').stdout.startswith('node1  zone az2, up\n')
    assert numa_sched('--svg', str(drawing)).returncode == 0
    assert ElementTree.parse(drawing).getroot().tag.endswith('svg')
    for arguments, said in (
        (['--svg', str(drawing)], f'{drawing}: is there; --force replaces it'),
        (['nod1'], "there is no host 'nod1'; is it 'node1' or 'node2'?"),
    ):
        failed = numa_sched(*arguments)
        assert failed.returncode == 1
        assert failed.stdout == ''
        assert failed.stderr == f'{said}\n'
