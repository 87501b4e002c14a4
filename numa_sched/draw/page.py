"""Hosts and fleets as SVG and as pages, which need nothing but themselves."""

import base64
import functools
import hashlib
import textwrap
from collections.abc import Sequence
from typing import Any

import jinja2
import markupsafe

from numa_sched import cpumask
from numa_sched.draw import geometry
from numa_sched.draw.cell import CPUState
from numa_sched.draw.marks import PALETTE
from numa_sched.draw.order import Order, in_order
from numa_sched.draw.picture import Picture, Sign, in_all
from numa_sched.draw.tile import CLASSES, WIDTH, Tile, rows, tile
from numa_sched.draw.words import amount, plain

# What the drawings for a file are wide, at most: a screen.
SCREEN = 1660
SERVER_WIDTH, GAP = 396, 16
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
        part, y = _whole(each, y)
        parts.append(part)
        width = max(width, part['width'])
    return (
        _environment()
        .get_template('host.svg')
        .render(
            style=_style('drawing.css'),
            hosts=parts,
            width=width,
            height=y,
            title=', '.join(each.name for each in drawn),
        )
    )


def _whole(drawn: Picture, top: int) -> tuple[dict[str, Any], int]:
    """Give what of a host stands where, from the top, and where it ends."""
    plans = [*map(geometry.plan, drawn.cells)]
    width = max(geometry.extent(geometry.arranged(plans, SCREEN, 0)[0]), 1)
    lines: list[tuple[int, str]] = []

    def write(words: str, y: int) -> int:
        for line in textwrap.wrap(words, width // geometry.LETTER):
            lines.append((y + 14, line))
            y += 20
        return y

    y = write(' · '.join(drawn.words), top + 26)
    if drawn.facts:
        y = write(' · '.join(drawn.facts), y)
    key, y = _key(drawn, width, y + 8)
    placed, y = geometry.arranged(plans, SCREEN, y + 10)
    outside, boxes = y, _outside(drawn)
    if drawn.outside:
        y += 38 if boxes else 0
        cpus = cpumask.to_list(drawn.outside)
        y = write(f'CPUs {cpus}: {CPUState.OUTSIDE.value}', y)
    for words in drawn.elsewhere:
        y = write(f'near no cell: {words}', y)
    for note in drawn.notes:
        y = write(f'! {note}', y)
    columns = max((width + GAP) // (SERVER_WIDTH + GAP), 1)
    below = -(-len(drawn.servers) // columns)
    y += 16
    servers = [
        (server, index // below * (SERVER_WIDTH + GAP), y + index % below * 40)
        for index, server in enumerate(drawn.servers)
    ]
    return {
        'drawn': drawn,
        'width': width,
        'top': top,
        'lines': lines,
        'key': key,
        'placed': placed,
        'outside': outside,
        'boxes': boxes,
        'servers': servers,
    }, y + 40 * below + 16


def _key(
    drawn: Picture, width: int, y: int
) -> tuple[list[tuple[Sign, int, int]], int]:
    """Give the signs and where they stand, and where they end below."""
    x, found = 0, []
    for sign in drawn.key:
        long = 48 + geometry.LETTER * len(sign.words)
        if x and x + long > width:
            x, y = 0, y + 30
        found.append((sign, x, y))
        x += long
    return found, y + 30 if found else y


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


def _outside(drawn: Picture) -> list[int]:
    """Give the CPUs in no cell, as long as there are few."""
    if drawn.outside.bit_count() > MOST_OUTSIDE:
        return []
    return list(cpumask.ids(drawn.outside))
