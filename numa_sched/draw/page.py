"""Hosts and fleets as SVG and as pages, which need nothing but themselves."""

import base64
import functools
import hashlib
from collections.abc import Sequence

import jinja2
import markupsafe

from numa_sched import cpumask
from numa_sched.draw import geometry
from numa_sched.draw.marks import PALETTE
from numa_sched.draw.order import Order, in_order
from numa_sched.draw.picture import CPUState, DrawnServer, Picture, in_all
from numa_sched.draw.tile import CLASSES, WIDTH, Tile, rows, tile
from numa_sched.draw.words import amount, plain

# What the drawings for a file are wide, at most: a screen.
SCREEN = 1560
SERVER_WIDTH = 372
TILES_ACROSS = 6
# Of CPUs in no cell the boxes are drawn up to so many; then only told.
MOST_OUTSIDE = 64


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('numa_sched.draw'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['amount'] = amount
    environment.filters['cpus'] = cpumask.to_list
    environment.globals.update(
        classes={**CLASSES, CPUState.OUTSIDE: 'outside'},
        states=CPUState,
        geometry=geometry,
        cut=geometry.cut,
    )
    return environment


def _style(*names: str) -> markupsafe.Markup:
    """Give sheets of style, with the colours of servers."""
    colours = ''.join(
        f'svg .c{number} .box {{ fill: {fill}; }}\n'
        for number, fill in enumerate(PALETTE)
    )
    return _own(*names) + markupsafe.Markup(colours)


def _own(*names: str) -> markupsafe.Markup:
    """Give files of ours as they are, one after the other."""
    environment = _environment()
    assert environment.loader is not None
    return markupsafe.Markup('').join(
        markupsafe.Markup(environment.loader.get_source(environment, name)[0])
        for name in names
    )


def _hash(text: str) -> str:
    """Give what a policy of content calls a script or a style by."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _page(name: str, script: str, **values: object) -> str:
    # Nothing but these two may run or be loaded, whatever a name holds.
    style, code = _style('drawing.css', 'page.css'), _own(script)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; "
        f"script-src {_hash(code)}; base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(name)
        .render(style=style, script=code, policy=policy, **values)
    )


def host_page(drawn: Sequence[Picture], taken_at: str | None = None) -> str:
    """Give a page with hosts, one below the other."""
    return _page(
        'host.html',
        'host.js',
        hosts=[
            (each, geometry.evened([*map(geometry.plan, each.cells)]))
            for each in drawn
        ],
        states_of=_states,
        outside=_outside,
        taken_at=plain(taken_at or ''),
    )


def fleet_page(
    drawn: Sequence[Picture], order: Order, taken_at: str | None = None
) -> str:
    """Give a page with a tile for each host, in the order that they have.

    :param order: what that order is
    """
    ranks = [
        {id(each): rank for rank, each in enumerate(in_order(drawn, order))}
        for order in (Order.NAME, Order.ROOM)
    ]
    return _page(
        'fleet.html',
        'fleet.js',
        tiles=[
            (tile(each), *(rank[id(each)] for rank in ranks)) for each in drawn
        ],
        order=order.value,
        width=WIDTH,
        in_all=in_all(drawn),
        taken_at=plain(taken_at or ''),
    )


def host_svg(drawn: Sequence[Picture]) -> str:
    """Give a drawing of hosts, one below the other."""
    y, width, parts = 0, SERVER_WIDTH, []
    for each in drawn:
        top = y
        placed, y = geometry.arranged(
            [*map(geometry.plan, each.cells)], SCREEN, y + 92
        )
        across = max(geometry.extent(placed), SERVER_WIDTH)
        notes, y = y, y + 20 * len(each.notes)
        outside, y = y, y + 44 * bool(each.outside)
        elsewhere, y = y, y + 20 * len(each.elsewhere)
        columns = max(across // SERVER_WIDTH, 1)
        servers, y = y + 8, y + 24 + 40 * -(-len(each.servers) // columns)
        width = max(width, across)
        parts.append(
            {
                'drawn': each,
                'top': top,
                'placed': placed,
                'notes': notes,
                'outside': outside,
                'elsewhere': elsewhere,
                'servers': _in_columns(each.servers, columns, servers),
            }
        )
    return (
        _environment()
        .get_template('host.svg')
        .render(
            style=_style('drawing.css'),
            hosts=parts,
            width=width,
            height=y,
            states_of=_states,
            outside=_outside,
            title=', '.join(each.name for each in drawn),
        )
    )


def _in_columns(
    servers: Sequence[DrawnServer], columns: int, top: int
) -> list[tuple[DrawnServer, int, int]]:
    """Give servers and where they stand, column by column."""
    below = max(-(-len(servers) // columns), 1)
    return [
        (server, index // below * SERVER_WIDTH, top + index % below * 40)
        for index, server in enumerate(servers)
    ]


def fleet_svg(drawn: Sequence[Picture]) -> str:
    """Give a drawing with a tile for each host."""
    y = 70
    placed: list[tuple[Tile, int, int, int]] = []
    below = 32 + 15 * max((len(each.words) for each in drawn), default=0)
    across = min(TILES_ACROSS, max(len(drawn), 1))
    for row in rows([tile(each) for each in drawn], across):
        height = max(each.height for each in row) + 20 + below
        placed.extend(
            (each, index * (WIDTH + 36), y, height)
            for index, each in enumerate(row)
        )
        y += height + 36
    return (
        _environment()
        .get_template('fleet.svg')
        .render(
            style=_style('drawing.css'),
            tiles=placed,
            tile_width=WIDTH,
            width=across * (WIDTH + 36) - 16,
            height=y,
            in_all=in_all(drawn),
        )
    )


def _states(drawn: Picture) -> list[CPUState]:
    """Give the states that a key must tell, of those that are there."""
    there = {state for cell in drawn.cells for state, _ in cell.states}
    if drawn.outside:
        there.add(CPUState.OUTSIDE)
    return [state for state in CPUState if state in there]


def _outside(drawn: Picture) -> list[int]:
    """Give the CPUs in no cell, as long as there are few."""
    if drawn.outside.bit_count() > MOST_OUTSIDE:
        return []
    return list(cpumask.ids(drawn.outside))
