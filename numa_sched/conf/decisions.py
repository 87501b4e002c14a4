"""Options about what a decision of nova-scheduler costs beside ours."""

from oslo_config import cfg

from numa_sched.option_types import Truth, Whole

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
until it changes. Whatever asks a topology anything gets Nova's own object.

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
    cfg.Opt(
        'collect_after',
        type=Whole(0, 1_000_000),
        default=0,
        help="""
How many new objects there are in nova-scheduler before Python looks for
garbage.

By itself it looks after 700, again and again through all that is there; with
a thousand hosts that takes a quarter of all time and more. Set, what is there
when nova-scheduler starts is not looked through any more (``gc.freeze``), and
the rest once there are so many objects more than at the last time. This goes
for the whole process, whatever has made the objects. What nobody refers to
any more goes away at once, as always; only what refers to itself waits.

Possible values:

* 0: as Python does by itself.
* From 1 to 1000000; 10000 is what was measured. More means more memory: that
  of as many objects, which wait longer.

Related options:

* ``[numa_sched] lazy_topologies`` has far fewer objects made.
* ``[filter_scheduler] available_filters`` must contain
  ``numa_sched.nova.all_filters``.
""",
    ),
]
