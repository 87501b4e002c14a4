"""Bars with intervals, as SVG, for the results of the simulation."""

import itertools
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 300, 60, 50, 60
COLOURS = ('#b0413e', '#d9a441', '#2a7f9e', '#5b8c5a', '#7a5c99', '#777777')


def bars(rows) -> str:
    """Give a drawing of the rows of ``benchmarks.placement.table``.

    One panel for each kind of run, as there are.
    """
    panels = [
        (title, unit, [row for row in rows if row['kind'] == kind])
        for kind, title, unit in (
            ('churn', 'Requests refused', 100),
            ('drain', 'Attempts beyond the first, per live migration', 1),
            ('bursts', 'Claims that failed, per create in bursts', 1),
        )
    ]
    panels = [each for each in panels if each[2]]
    parts = [
        _panel(number * HEIGHT, *panel) for number, panel in enumerate(panels)
    ]
    height = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
        + '\n'.join(parts)
        + '\n</svg>\n'
    )


def _panel(offset, title, factor, rows):
    rankings = list(dict.fromkeys(row['ranking'] for row in rows))
    colours = dict(zip(rankings, itertools.cycle(COLOURS), strict=False))
    groups = {}
    for row in rows:
        name = f'{row["fleet"]}, {row["hosts"]} hosts, {row["load"]:.0%}'
        groups.setdefault(name, []).append(row)
    top = max(row['high'] for row in rows) * factor or 1.0
    plotted = HEIGHT - TOP - BOTTOM

    def y(value):
        return offset + TOP + plotted * (1 - value * factor / top)

    unit = ' %' if factor == 100 else ''
    parts = [
        f'<text x="{LEFT}" y="{offset + 20}" font-weight="bold">'
        f'{escape(title)}</text>'
    ]
    for number, name in enumerate(rankings):
        at = LEFT + 150 * number
        parts.append(
            f'<rect x="{at}" y="{offset + 28}" width="10" height="10" '
            f'fill="{colours[name]}"/><text x="{at + 14}" '
            f'y="{offset + 38}">{escape(name)}</text>'
        )
    for step in range(5):
        value = top * step / 4
        level = y(value / factor)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{level:.1f}" '
            f'y2="{level:.1f}" stroke="#ddd"/><text x="{LEFT - 6}" '
            f'y="{level + 4:.1f}" text-anchor="end">{value:.3g}{unit}</text>'
        )
    wide = (WIDTH - LEFT - 10) / len(groups)
    for number, (name, members) in enumerate(groups.items()):
        start = LEFT + number * wide
        each = wide * 0.8 / len(rankings)
        for row in members:
            place = rankings.index(row['ranking'])
            at = start + wide * 0.1 + place * each
            mean, low, high = y(row['mean']), y(row['low']), y(row['high'])
            middle = at + each * 0.45
            parts.append(
                f'<rect x="{at:.1f}" y="{mean:.1f}" width="{each * 0.9:.1f}" '
                f'height="{y(0) - mean:.1f}" '
                f'fill="{colours[row["ranking"]]}"/>'
                f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{low:.1f}" '
                f'y2="{high:.1f}" stroke="black"/>'
            )
        words = name.split(', ')
        for line, word in enumerate((', '.join(words[:2]), *words[2:])):
            parts.append(
                f'<text x="{start + wide / 2:.1f}" '
                f'y="{y(0) + 16 + 14 * line:.1f}" text-anchor="middle">'
                f'{escape(word)}</text>'
            )
    return '\n'.join(parts)
