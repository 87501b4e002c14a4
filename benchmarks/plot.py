"""Bars with intervals for the results of the simulation."""

import matplotlib.figure
import matplotlib.ticker

PANELS = (
    ('churn', 'Requests refused', 'of all requests', 100),
    ('drain', 'Attempts beyond the first', 'per live migration', 1),
    ('bursts', 'Claims that failed', 'per create in bursts', 1),
)
COLOURS = ('#b0413e', '#d9a441', '#2a7f9e', '#5b8c5a', '#7a5c99', '#777777')
HATCHES = ('', '///', '...', 'xxx', '\\\\\\', '++')
WIDTH = 8.0
PANEL_HEIGHT = 3.2


def bars(rows) -> matplotlib.figure.Figure:
    """Draw the rows of ``benchmarks.placement.table``.

    One panel for each kind of run that there is; in it a group of bars for
    each fleet and load, and a bar for each ranking, with its interval. They
    are told apart without colours too.
    """
    panels = [
        (*panel, found)
        for kind, *panel in PANELS
        if (found := [row for row in rows if row['kind'] == kind])
    ]
    figure = matplotlib.figure.Figure(
        figsize=(WIDTH, PANEL_HEIGHT * max(len(panels), 1)),
        layout='constrained',
    )
    if panels:
        rankings = list(dict.fromkeys(row['ranking'] for row in rows))
        axes = figure.subplots(len(panels), squeeze=False)[:, 0]
        for each, panel in zip(axes, panels, strict=True):
            _panel(each, rankings, *panel)
        handles = {}
        for each in axes:
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
    axes.set_title(title, loc='left', fontweight='bold')
    axes.set_xticks(range(len(groups)), groups)
    if factor == 100:
        axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter())
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    # A single group is not as wide as three.
    axes.set_xlim(-0.5, max(len(groups), 3) - 0.5)
    axes.grid(axis='y', color='#dddddd')
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)


def _group(row):
    return f'{row["fleet"]}, {row["hosts"]} hosts\n{row["load"]:.0%} full'
