"""What the documents show is what is drawn."""

import textwrap

from numa_sched.draw import page
from tests.unit.draw.example import DOCUMENTS, FIGURE, example, in_terminal

# How to have them made anew is told there.
PAGE = (DOCUMENTS / 'map.rst').read_text()


def test_the_terminal_shown_is_what_is_printed():
    assert textwrap.indent(in_terminal(), '   ') in PAGE


def test_the_figure_is_what_is_drawn():
    assert FIGURE.read_text() == page.host_svg([example()])
