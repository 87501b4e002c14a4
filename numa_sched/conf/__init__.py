"""Every option of the package, in the group ``[numa_sched]``.

None is mutable: what a service has read at its start counts until it is
started again. An option with a bad value ends the start of nova-scheduler
(:mod:`numa_sched.settings`); elsewhere it counts as not set.
"""

import copy

from oslo_config import cfg

from numa_sched import rank
from numa_sched.conf import decisions
from numa_sched.option_types import (
    Choice,
    Finite,
    Items,
    Path,
    Truth,
    Whole,
)

GROUP = cfg.OptGroup(
    'numa_sched',
    title='NUMA-aware scheduling',
    help='Options of numa_sched, the NUMA-aware scheduling plugins.',
)

MULTIPLIER = Finite(-rank.MOST_MULTIPLIER, rank.MOST_MULTIPLIER)
"""Of ``fit_weight_multiplier``, in the metadata of an aggregate too."""

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'fit_strategy',
        default='fragmentation',
        help="""
How hosts that a guest fits are ranked.

NUMAFitWeigher works out which NUMA cells the claim on each host will take
and hands the host as it will be then to this strategy, which gives a score
from 0 (worst) to 1 (best).

Possible values:

* ``fragmentation``: least loss of room for the guests that are asked for,
  see ``fit_mix``.
* ``pack``: least free CPUs left on the cells used (dedicated ones if the
  guest has any, else shared ones), so that cells that are in use fill up
  before others are broken into.
* ``spread``: most free CPUs left on the cells used.
* ``headroom``: the largest share left free, of CPUs or memory, on the
  tightest of the cells used.
* ``locality``: fewest sockets, PCI devices close, no core shared with other
  guests.
* The name of any other entry point in ``numa_sched.fit_strategies``.
* Several of these with weights from 0.001 to 1000, as in
  ``fragmentation:1,locality:0.2``: the mean of their scores.

Related options:

* ``[filter_scheduler] weight_classes`` must contain
  ``numa_sched.nova.all_weighers``.
* ``[numa_sched] fit_weight_multiplier``
""",
    ),
    cfg.Opt(
        'fit_share_out',
        type=Finite(0, 1),
        default=0.9,
        help="""
How far servers are shared out among hosts that may not have room for all.

A nova-scheduler worker does not see the claims that others have caused and
that are still on their way. If all ranked alike, they would meet on the same
host, and some claims would fail there. So where others may leave no room, a
host loses a part of its weight that depends on the names of the server and
the host only. How many others are under way is reckoned from what this worker
has sent itself and has not seen arrive, so nothing is shared out on a quiet
cloud, with one worker, or where there is room for all.

Possible values:

* From 0 to 1: the most that a host may lose. With the default a host with
  three quarters of the best score may still come first.
* 0: hosts are ranked as if there were no other workers.

Related options:

* ``[numa_sched] scheduler_workers`` says how many workers there are.
* ``[numa_sched] claim_seconds``
* ``[filter_scheduler] host_subset_size`` of Nova chooses among the best hosts
  by chance, however much worse they are.
""",
    ),
    cfg.Opt(
        'claim_seconds',
        type=Finite(0, 3600),
        default=10.0,
        help="""
Seconds within which a claim shows in what the host reports.

Nova reads hosts anew at each request, so that a worker does not even see its
own choices while they are on their way. For so long it takes them for claimed
when it ranks hosts, unless it sees the claim earlier or the server is asked
for again. Whether a host is left over is not touched by that.

Possible values:

* From 0 to 3600 seconds, rather too long than too short: what is seen
  earlier does not count any more.
* 0: what is under way is not looked at, and nothing is shared out.

Related options:

* ``[numa_sched] fit_share_out`` says what follows for other workers.
""",
    ),
    cfg.Opt(
        'scheduler_workers',
        type=Whole(0, 10_000),
        default=0,
        help="""
How many nova-scheduler workers share the requests.

Possible values:

* 0: as many as ``[scheduler] workers`` of this host says, times the hosts on
  which nova-scheduler is alive. That is read from the database at the first
  request and every ten minutes, beside the requests. Where it cannot be read,
  one host is taken.
* From 1 to 10000, of all hosts together: where hosts differ.

Related options:

* ``[numa_sched] fit_share_out``
* ``[scheduler] workers`` of Nova
""",
    ),
    cfg.MultiOpt(
        'fit_mix',
        item_type=Items(),
        help="""
Guests that the cloud is asked for, as the strategy ``fragmentation`` knows
them until requests have told better.

The mix is learned from the requests that this nova-scheduler sees; the one
given here counts as much as twenty requests. It may be given more than once,
one guest each.

Possible values:

* Keys and values, as in
  ``cpus:16,cells:2,memory_mb:65536,page_size:1048576,share:5``: the number
  of CPUs is needed, ``cells`` is 1, ``memory_mb`` is 0 (no limit) and
  ``share``, from 0.001 to 1000, is 1 if not given; ``page_size`` is ``small``,
  ``large``, ``any`` or KiB; ``shared:true`` is for guests without dedicated
  CPUs. CPUs and memory must be multiples of the cells. The shares of equal
  guests add up.
* ``devices`` is the number of PCI devices that a guest wants, none if not
  given. They are any but physical functions and VDPA devices, unless
  ``vendor_id``, ``product_id`` and ``device_type`` say which, as in
  ``[pci] alias``, or ``physical_network``, as in ``[pci] device_spec``:
  ``cpus:8,devices:1,vendor_id:10de,product_id:1eb8,numa_policy:required``.
  To be counted as one guest with those that are requested, an item must ask
  for its devices as they do.
* Empty: dedicated guests of 2 to 32 CPUs, on one or two cells.

Related options:

* ``[numa_sched] fit_mix_half_life`` says how long requests count.
* ``[numa_sched] fit_strategy`` must name ``fragmentation``.
""",
    ),
    cfg.Opt(
        'fit_mix_half_life',
        type=Finite(0, 315_360_000),
        default=604800.0,
        help="""
Seconds after which a request counts half as much in the mix of guests.

Possible values:

* A number of seconds, at most ten years (315360000); the default is a week.
* 0: nothing is learned, the mix stays as ``fit_mix`` has it.

Related options:

* ``[numa_sched] fit_mix`` is what the mix begins with.
""",
    ),
    cfg.Opt(
        'fit_weight_multiplier',
        type=MULTIPLIER,
        default=10.0,
        help="""
How much the weight of NUMAFitWeigher counts beside other weighers.

The host with the best score has a weight near 1, and weights fall off steeply
with the distance to it, so that other weighers decide among hosts that are
nearly as good. Nova does not stretch these weights.
Guests without a NUMA topology get the same weight everywhere, so that the
other weighers decide about them.

Possible values:

From -1000000 to 1000000:

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
    cfg.Opt(
        'refusal_penalty',
        type=Finite(0, 1),
        default=0.5,
        help="""
The share of its score that a host loses when it refuses a live migration.

When a destination refuses, Nova asks the scheduler again. The host that has
refused is then ranked lower for other servers too, until it is trusted again.
Why it has refused is not known to the scheduler. Several refusals count as
much as the last one alone.

Possible values:

* A number from 0 to 1: the share of the score that is lost at once. It is
  given back bit by bit.
* 0 turns the memory of refusals off. Do so where ``fit_weight_multiplier`` is
  negative, which would prefer the hosts that have refused.

Related options:

* ``[numa_sched] refusal_half_life``
* ``[filter_scheduler] available_filters`` must contain
  ``numa_sched.nova.all_filters``, which installs the request filter that
  sees the refusals.
""",
    ),
    cfg.Opt(
        'refusal_half_life',
        type=Finite(1, 604_800),
        default=300.0,
        help="""
Seconds until a host that has refused is given back half of what it lost.

After twice the time a quarter is still missing, and so on.

Possible values:

* From 1 to 604800, a week. The default is some periods of nova-compute's
  report, after which the scheduler's view of the host is new.

Related options:

* ``[numa_sched] refusal_penalty``, which is what a host loses at once
""",
    ),
    cfg.Opt(
        'refusals_file',
        type=Path(),
        help="""
Where nova-scheduler leaves word of requests that found no host.

``numa-sched explain --last`` reads it. Each worker writes a file of its own,
whose name is this one with ``.0``, ``.1`` and so on behind it; a worker goes
on with the file of one that has ended. No request waits for that.

Possible values:

* Not set: nothing is written.
* The path of a file in a directory that nova-scheduler may write to, such as
  ``/var/lib/nova/refusals``. It is not made if it is not there.

Related options:

* ``[numa_sched] refusals_kept``
* ``[filter_scheduler] enabled_filters`` must contain ``NUMAFitFilter``.
""",
    ),
    cfg.Opt(
        'refusals_kept',
        type=Whole(1, 1000),
        default=100,
        help="""
How many of the last requests that found no host each worker keeps word of.

A file has as many lines at least and twice as many at most, each of at most
64 KiB.

Possible values:

* From 1 to 1000 requests, for each worker.

Related options:

* ``[numa_sched] refusals_file`` says where they are kept.
""",
    ),
    cfg.Opt(
        'image_wishes',
        type=Truth(),
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
    cfg.Opt(
        'post_copy_with_vhost_user',
        type=Truth(),
        default=False,
        help="""
Whether servers with vhost-user devices may be migrated with post-copy.

Such are the ports of Open vSwitch with DPDK. The process behind the device
has to wait for memory that is not there yet; few can, and QEMU asks. A
migration that QEMU refuses is made without post-copy all the same.

Read by nova-compute.

Possible values:

* False: they are migrated without post-copy, whoever wants it.
* True: as other servers. For Open vSwitch with
  ``other_config:vhost-postcopy-support=true``, on all hosts.

Related options:

* ``[libvirt] live_migration_permit_post_copy`` of Nova
""",
    ),
    cfg.Opt(
        'api_contradictions',
        type=Choice(
            [
                ('refuse', 'Answer with HTTP 400 that names what is wrong.'),
                ('warn', 'Log a warning and let Nova go on.'),
            ]
        ),
        default='refuse',
        help="""
What nova-api does with a bad or contradictory wish about live migration.

Read by nova-api.

Possible values:

* ``refuse``: answer with HTTP 400 that names keys, values and the way out.
* ``warn``: log a warning with the same text and let Nova go on, to see what
  would be refused before it is. The scheduler still refuses new servers.

Related options:

* ``[wsgi] api_paste_config`` names the file whose pipelines must contain
  ``live_migration_policy``.
""",
    ),
    *decisions.OPTS,
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options on a ``ConfigOpts``; more than once is fine."""
    # A group keeps the overrides of its ConfigOpts: to each its own.
    conf.register_group(copy.deepcopy(GROUP))
    conf.register_opts(OPTS, group=GROUP.name)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Give the options as oslo-config-generator wants them."""
    return [(GROUP, OPTS)]
