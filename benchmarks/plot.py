"""Bars and lines with intervals for the results of the simulation."""

import matplotlib.figure
import matplotlib.ticker

PANELS = (
    ('churn', 'Requests refused', 'of all requests', 100),
    ('drain', 'Attempts beyond the first', 'per live migration', 1),
    ('bursts', 'Claims that failed', 'per create in bursts', 1),
)
COLOURS = ('#b0413e', '#d9a441', '#2a7f9e', '#5b8c5a', '#7a5c99', '#777777')
HATCHES = ('', '///', '...', 'xxx', '\\\\\\', '++')
MARKERS = ('o', 's', '^', 'D', 'v', 'P')
BOUND = 'bound: the same on one big host'
LINES = 'Requests refused, by migrations that may make room for each'
WIDTH = 8.0
PANEL_HEIGHT = 3.2


def bars(rows) -> matplotlib.figure.Figure:
    """Draw the rows of ``benchmarks.placement.table``.

    One panel for each kind of run that there is; in it a group of bars for
    each fleet and load, and a bar for each ranking, with its interval and a
    line at its bound. Where room was made, there is one more panel with a
    line for each load. They are told apart without colours too.
    """
    lines = _lines(rows)
    panels = [
        (*panel, found)
        for kind, *panel in PANELS
        if (
            found := [
                row
                for row in rows
                if row['kind'] == kind and not row.get('make_room')
            ]
        )
    ]
    count = len(panels) + bool(lines)
    figure = matplotlib.figure.Figure(
        figsize=(WIDTH, PANEL_HEIGHT * max(count, 1)),
        layout='constrained',
    )
    if count:
        rankings = list(
            dict.fromkeys(
                row['ranking'] for row in rows if not row.get('make_room')
            )
        )
        axes = figure.subplots(count, squeeze=False)[:, 0]
        for each, panel in zip(axes[: len(panels)], panels, strict=True):
            _panel(each, rankings, *panel)
        if lines:
            _line_panel(axes[-1], lines)
        handles = {}
        for each in axes[: len(panels)]:
            found, names = each.get_legend_handles_labels()
            handles |= dict(zip(names, found, strict=True))
        figure.legend(
            handles.values(),
            handles.keys(),
            loc='outside upper right',
            ncols=len(COLOURS),
            frameon=False,
        )
    return figure


def _panel(axes, rankings, title, unit, factor, rows):
    groups = list(dict.fromkeys(map(_group, rows)))
    width = 0.8 / len(rankings)
    for number, ranking in enumerate(rankings):
        members = [row for row in rows if row['ranking'] == ranking]
        if not members:
            continue
        means = [row['mean'] * factor for row in members]
        low = [(row['mean'] - row['low']) * factor for row in members]
        high = [(row['high'] - row['mean']) * factor for row in members]
        places = [
            groups.index(_group(row)) - 0.4 + width * (number + 0.5)
            for row in members
        ]
        axes.bar(
            places,
            means,
            width * 0.9,
            yerr=[[max(each, 0) for each in low], high],
            capsize=2,
            color=COLOURS[number % len(COLOURS)],
            hatch=HATCHES[(number + number // len(COLOURS)) % len(HATCHES)],
            edgecolor='white',
            label=ranking.replace('$', r'\$'),
        )
        for place, mean, above in zip(places, means, high, strict=True):
            axes.annotate(
                f'{mean:.2g}',
                (place, mean + above),
                (0, 2),
                textcoords='offset points',
                ha='center',
                fontsize='x-small',
            )
        known = [
            (place, row['bound'] * factor)
            for place, row in zip(places, members, strict=True)
            if row.get('bound') is not None
        ]
        for place, bound in known:
            axes.plot(
                (place - width * 0.45, place + width * 0.45),
                (bound, bound),
                color='black',
                linewidth=2.5,
                solid_capstyle='butt',
                label=BOUND,
                zorder=4,
            )
    axes.set_title(title, loc='left', fontweight='bold')
    axes.set_xticks(range(len(groups)), groups)
    if factor == 100:
        axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter())
    axes.set_ylabel(unit)
    # A single group is not as wide as three.
    axes.set_xlim(-0.5, max(len(groups), 3) - 0.5)
    _tidy(axes)


def _tidy(axes):
    axes.set_ylim(bottom=0)
    axes.grid(axis='y', color='#dddddd')
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)


def _lines(rows):
    """Give the rows of each line: one ranking at one load, by migrations."""
    found = {}
    for row in rows:
        if row['kind'] == 'churn' and 'family' in row:
            name = f'{_group(row)}, {row["family"]}'.replace('\n', ', ')
            found.setdefault(name, []).append(row)
    return {
        name: sorted(points, key=lambda row: row['make_room'])
        for name, points in found.items()
        if any(row['make_room'] for row in points)
    }


def _line_panel(axes, lines):
    handles = []
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        marker = MARKERS[number % len(MARKERS)]
        at = [row['make_room'] for row in points]
        means = [row['mean'] * 100 for row in points]
        line = axes.errorbar(
            # Beside each other, so that no interval hides another.
            [each + 0.04 * (number - (len(lines) - 1) / 2) for each in at],
            means,
            yerr=[
                [(row['mean'] - row['low']) * 100 for row in points],
                [(row['high'] - row['mean']) * 100 for row in points],
            ],
            color=colour,
            marker=marker,
            capsize=2,
            label=name.replace('$', r'\$'),
        )
        known = [row for row in points if row['bound'] is not None]
        (bound,) = axes.plot(
            [row['make_room'] for row in known],
            [row['bound'] * 100 for row in known],
            color=colour,
            marker=marker,
            markerfacecolor='white',
            linestyle='--',
            label=f'its {BOUND}',
        )
        handles += [line, bound]
    axes.set_title(LINES, loc='left', fontweight='bold')
    allowed = {row['make_room'] for points in lines.values() for row in points}
    axes.set_xticks(sorted(allowed))
    axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter())
    axes.set_ylabel('of all requests')
    axes.set_xlabel('at most so many migrations')
    axes.legend(handles=handles, frameon=False, fontsize='small')
    _tidy(axes)


def _group(row):
    return f'{row["fleet"]}, {row["hosts"]} hosts\n{row["load"]:.0%} full'
