"""What the documents show is what is drawn."""

import io
import textwrap

from rich.console import Console

from numa_sched.draw import listing, page
from numa_sched.draw.build import pictures
from numa_sched.draw.order import Order, in_order
from numa_sched.fleet import snapshot
from tests.unit.draw.example import (
    DOCUMENTS,
    FIGURE,
    WIDTH,
    example,
    in_terminal,
)

# How to have them made anew is told there.
PAGE = (DOCUMENTS / 'map.rst').read_text()


def test_the_terminal_shown_is_what_is_printed():
    assert textwrap.indent(in_terminal(), '   ') in PAGE


def test_the_cloud_shown_is_what_is_printed():
    file = io.StringIO()
    fleet = snapshot.read(DOCUMENTS / 'example.json')
    drawn = in_order(pictures(fleet, fleet.hosts), Order.ROOM)
    listing.show(Console(file=file, width=WIDTH), drawn)
    assert textwrap.indent(file.getvalue(), '   ') in PAGE


def test_the_figure_is_what_is_drawn():
    assert FIGURE.read_text() == page.host_svg([example()])
