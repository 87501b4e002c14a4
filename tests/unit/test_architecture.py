"""The page of architecture tells which room imports which, and it is true."""

import ast
import collections
import pathlib

import docutils.core
import docutils.nodes
import pytest
from docutils.parsers.rst import Directive, directives

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / 'numa_sched'
PAGE = ROOT / 'doc' / 'source' / 'architecture.rst'
MOST_LINES = 400
DOORS = {'nova/api', 'nova/scheduler', 'nova/compute', 'nova/status'}
# What is in front of the core without being a service of Nova.
TERMINAL = 'cli'
OTHERS = {TERMINAL, 'watcher'}
FILES = sorted(PACKAGE.rglob('*.py'))
MODULES = {
    '/'.join(path.relative_to(PACKAGE).with_suffix('').parts).removesuffix(
        '/__init__'
    )
    for path in FILES
}


def room_of(module):
    """Give the room of a module, both as paths in the package."""
    first, *inside = module.split('/')
    if first == 'nova' and f'nova/{inside[0] if inside else ""}' in DOORS:
        return f'nova/{inside[0]}'
    return first


def imported(path):
    """Give the modules of the package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path} has a relative import'
            names = [f'{node.module}.{each.name}' for each in node.names]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        else:
            continue
        for name in names:
            package, *parts = name.split('.')
            if package == 'numa_sched' and parts:
                whole = '/'.join(parts)
                yield whole if whole in MODULES else '/'.join(parts[:-1])


def arrows():
    """Give the rooms that each room imports, by what the files say."""
    found = collections.defaultdict(set)
    for path in FILES:
        module = '/'.join(path.relative_to(PACKAGE).with_suffix('').parts)
        room = room_of(module.removesuffix('/__init__'))
        if room != '__init__':
            found[room] |= set(map(room_of, imported(path))) - {room}
    return dict(found)


class Picture(Directive):
    """Takes the picture for what it is: text that Sphinx draws."""

    has_content = True
    option_spec = {'align': str, 'font-size': str}

    def run(self):
        return []


def told():
    """Give the rooms that each room imports, by the table of the page."""
    directives.register_directive('svgbob', Picture)
    page = docutils.core.publish_doctree(
        # The roles of Sphinx, of which the table has none.
        PAGE.read_text().replace(':doc:', ''),
        settings_overrides={'report_level': 5},
    )
    rows = {}
    for row in page.findall(docutils.nodes.row):
        room, *_, imports = (
            [each.astext() for each in entry.findall(docutils.nodes.literal)]
            for entry in row.children
        )
        if room:
            rows[room[0]] = set(imports)
    return rows


def test_the_page_tells_every_room_and_what_it_imports():
    assert told() == arrows()


def test_no_door_imports_another():
    for door in DOORS:
        assert not arrows()[door] & DOORS


def test_nobody_imports_the_terminal_or_watcher_and_they_import_no_door():
    for other in OTHERS:
        assert not arrows()[other] & DOORS
    for imports in arrows().values():
        assert not imports & OTHERS


def test_the_core_imports_no_door():
    for room, imports in arrows().items():
        if room.split('/')[0] not in ('nova', *OTHERS):
            assert not imports & {'nova', *DOORS}, room


def test_rooms_of_the_core_do_not_import_each_other_in_a_circle():
    left = {
        room: imports
        for room, imports in arrows().items()
        if room.split('/')[0] not in ('nova', *OTHERS)
    }
    while left:
        ends = {room for room, imports in left.items() if not imports}
        assert ends, f'among {sorted(left)}'
        left = {
            room: imports - ends
            for room, imports in left.items()
            if room not in ends
        }


@pytest.mark.parametrize(
    'path', FILES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_file_can_be_read_at_a_sitting(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES
