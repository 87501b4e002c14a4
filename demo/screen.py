"""What the demo prints: headings, short texts and tables."""

import textwrap

import prettytable

WIDTH = 78


def heading(text):
    """Print a heading that stands out."""
    print(f'\n{text}\n{"=" * len(text)}')


def say(text):
    """Print a paragraph."""
    print(textwrap.fill(' '.join(text.split()), WIDTH))


def table(columns, rows, widest=34):
    """Print rows, wrapping what is wider than ``widest``."""
    shown = prettytable.PrettyTable(columns)
    shown.align = 'l'
    shown.max_width = widest
    shown.add_rows(rows)
    print(shown)
