"""Options about what a decision of nova-scheduler costs beside ours."""

from oslo_config import cfg

from numa_sched.option_types import Truth

OPTS: list[cfg.Opt] = [
    cfg.Opt(
        'lazy_topologies',
        type=Truth(),
        default=False,
        help="""
Whether nova-scheduler leaves the NUMA topologies of hosts unread.

At each request Nova reads the topology of each host from the text in its row,
two hundred objects a host, and looks at that of the one host it chooses. Here
the text is kept until somebody asks; NUMAFitFilter reads the text itself, once
until it changes. Hosts, alternates and limits are the same; whatever asks a
topology anything gets Nova's own object.

This replaces a method of Nova, ``NUMATopology.obj_from_db_obj``, in the
process of nova-scheduler. With a release of Nova that it was not tested with,
that is left alone, and a warning logged.

A host whose text cannot be read fails by itself: NUMAFitFilter leaves it out
and warns. Without the option Nova fails the whole request.

Possible values:

* False: as Nova does by itself.
* True: topologies are read when somebody asks for one.

Related options:

* ``[filter_scheduler] enabled_filters``: with ``NUMATopologyFilter``, which
  looks at each topology, nothing is gained. ``NUMAFitFilter`` stands in for
  it.
* ``[filter_scheduler] available_filters`` must contain
  ``numa_sched.nova.all_filters``.
""",
    ),
]
