"""Every option of the package, in the group ``[numa_sched]``."""

from oslo_config import cfg

GROUP = cfg.OptGroup(
    'numa_sched',
    title='NUMA-aware scheduling',
    help='Options of numa_sched, the NUMA-aware scheduling plugins.',
)

OPTS = [
    cfg.StrOpt(
        'fit_strategy',
        default='pack',
        help="""
How hosts that a guest fits are ranked.

NUMAFitWeigher works out which NUMA cells the claim on each host will take
and hands the host as it will be then to this strategy, which gives a score
from 0 (worst) to 1 (best).

Possible values:

* ``pack``: least free CPUs left on the cells used (dedicated ones if the
  guest has any, else shared ones), so that cells that are in use fill up
  before others are broken into.
* The name of any other entry point in ``numa_sched.fit_strategies``.

Related options:

* ``[filter_scheduler] weight_classes`` must contain
  ``numa_sched.nova.all_weighers``.
* ``[numa_sched] fit_weight_multiplier``
""",
    ),
    cfg.FloatOpt(
        'fit_weight_multiplier',
        default=10.0,
        help="""
How much the score of NUMAFitWeigher counts beside other weighers.

Scores lie between 0 and 1 and are not stretched to the hosts of a request.
Guests without a NUMA topology get the same weight everywhere, so that the
other weighers decide about them.

Possible values:

* A positive number prefers hosts with better scores. Nova's own weighers
  have multipliers around 1, so the default lets NUMA fit decide first.
* 0 turns the ranking off.
* A negative number prefers worse scores.

Related options:

* ``[numa_sched] fit_strategy``
* The key ``fit_weight_multiplier`` in the metadata of a host aggregate
  overrides this option for the hosts of the aggregate; the lowest value
  wins where a host is in several.
""",
    ),
    cfg.BoolOpt(
        'image_wishes',
        default=True,
        help="""
Whether images may ask for a way of live migration.

The image properties ``compute_live_migration_auto_converge`` and
``compute_live_migration_post_copy`` are not part of the request that
nova-scheduler gets, so they cost one database read per request.

Possible values:

* True: read them at every scheduling.
* False: only the flavor's extra specs count, and nothing is read.

Related options:

* ``[filter_scheduler] available_filters`` must contain
  ``numa_sched.nova.all_filters``, which installs the request filter.
* In nova-api, it says whether the ``live_migration_policy`` filter looks at
  images; set it there as for nova-scheduler.
""",
    ),
    cfg.StrOpt(
        'api_contradictions',
        default='refuse',
        choices=[
            ('refuse', 'Answer with HTTP 400 that names what is wrong.'),
            ('warn', 'Log a warning and let Nova go on.'),
        ],
        help="""
What nova-api does with a bad or contradictory wish about live migration.

Read by nova-api, for each request.

Possible values:

* ``refuse``: answer with HTTP 400 that names keys, values and the way out.
* ``warn``: log a warning with the same text and let Nova go on, to see what
  would be refused before it is. The scheduler still refuses new servers.

Related options:

* ``[wsgi] api_paste_config`` names the file whose pipelines must contain
  ``live_migration_policy``.
* ``[numa_sched] api_lookup_seconds``
""",
    ),
    cfg.FloatOpt(
        'api_lookup_seconds',
        default=3.0,
        min=0.01,
        help="""
How long nova-api may look up flavor, image, volume and server of a request.

Read by nova-api. When the time is up, the request goes on to Nova unchecked,
with a warning in the log. At most 100 lookups are under way in a process;
when so many hang, further requests go on at once.

Possible values:

* Seconds for all lookups of one request together. Nova looks the same things
  up again afterwards, and may take longer.

Related options:

* ``[numa_sched] api_contradictions``
* ``[numa_sched] image_wishes``: if false, neither Glance nor Cinder is asked.
""",
    ),
]


def register_opts(conf):
    """Register the options on a ``ConfigOpts``; more than once is fine."""
    conf.register_group(GROUP)
    conf.register_opts(OPTS, group=GROUP)


def list_opts():
    """Give the options as oslo-config-generator wants them."""
    return [(GROUP, OPTS)]
