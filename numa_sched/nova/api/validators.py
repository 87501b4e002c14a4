"""Our extra specs, as Nova's own validation of extra specs wants them.

Nova reads them from the entry point ``nova.api.extra_spec_validators``, and
does not start its API if that fails. So nothing here may.
"""

from nova import exception
from nova.api.validation.extra_specs import base
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

DESCRIPTIONS = {
    'auto_converge': (
        'Whether live migrations slow the guest down until its memory can be '
        'copied faster than it is written. True requires a host with the '
        'trait COMPUTE_MIGRATE_AUTO_CONVERGE. Not together with post-copy.'
    ),
    'post_copy': (
        'Whether live migrations start the guest on the destination before '
        'its memory is there; if the network fails then, the guest is lost. '
        'True requires a host with the trait COMPUTE_MIGRATE_POST_COPY. Not '
        'together with auto-converge.'
    ),
}


def register():
    """Give the validators of the namespace ``compute``.

    To have any claims all of it, so one of them allows every other key, but
    for those that look like one of ours and are none.
    """
    try:
        from numa_sched import nova

        # Nova logs all options when it has started, and would end there.
        nova.settings_or_defaults()
    except Exception:
        LOG.exception('The options of numa_sched cannot be read')
    try:
        from numa_sched import policy

        return [
            *(_wish(wish) for wish in policy.WISHES),
            _Lookalike(
                name='(?is){key}',
                description='A key that looks like one of ours and is none.',
                parameters=[
                    {
                        'name': 'key',
                        'pattern': policy.LOOKALIKE,
                        'description': 'The words of a key of ours.',
                    }
                ],
                value={'type': str, 'description': 'None is valid.'},
            ),
            base.ExtraSpecValidator(
                name='compute:{key}',
                description='Anything else, for whoever reads it.',
                parameters=[
                    {
                        'name': 'key',
                        'pattern': '.*',
                        'description': 'A key that numa_sched does not read.',
                    }
                ],
                value={'type': str, 'description': 'Any value.'},
            ),
        ]
    except Exception:
        LOG.exception(
            'The extra specs of the live-migration policy are not validated'
        )
        return []


class _Lookalike(base.ExtraSpecValidator):
    """Refuses any value, as it would be lost."""

    def validate(self, name, value):
        from numa_sched import policy

        for error in policy.unknown('flavor', {name: value}):
            raise exception.ValidationError(f'Validation failed; {error}')


def _wish(wish):
    return base.ExtraSpecValidator(
        name=wish.flavor_key,
        description=DESCRIPTIONS[wish.feature],
        value={'type': bool, 'description': 'Whether to use it.'},
    )
