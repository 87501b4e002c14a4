"""The paste filter: a bad or contradictory wish never becomes a server.

It stands right before the API application and answers only what breaks the
live-migration policy. Anything else goes on to Nova as it came.
"""

import copy

import nova.conf
import webob.dec
import webob.exc
from nova import exception
from nova.api import wsgi as base_wsgi
from nova.api.openstack import api_version_request, wsgi
from oslo_log import log as logging
from oslo_serialization import jsonutils

from numa_sched import api_request, api_verdict
from numa_sched.nova import deadline, lookup

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

LOOKUPS = deadline.Deadline(100)
WITHOUT_OLD_PATHS = api_version_request.APIVersionRequest('2.103')


class LiveMigrationPolicy(base_wsgi.Middleware):
    """Refuses requests whose wishes are bad or contradict each other."""

    @webob.dec.wsgify(RequestClass=wsgi.Request)
    def __call__(self, req):
        """Give HTTP 400 in Nova's format, or leave the answer to Nova."""
        route = _route(req)
        if route is None:
            return self.application
        # Errors of reading are what Nova would get, and are left to it.
        body = req.body
        req.make_body_seekable()
        why = _why_not(req.environ['nova.context'], route, body)
        if why is None:
            return self.application
        return wsgi.Fault(webob.exc.HTTPBadRequest(explanation=why))


def _route(req):
    """Give where a request goes, None if Nova alone is to answer it."""
    try:
        route = api_request.route(req.method, req.environ['PATH_INFO'])
        return route if route and _is_read_by_nova(req, route) else None
    except Exception as error:
        LOG.warning('A request is not checked: %r', error)
        return None


def _is_read_by_nova(req, route):
    """Whether Nova would read the body of a request."""
    context = req.environ.get('nova.context')
    if context is None:
        LOG.warning(
            'No request is checked: in the pipelines of api-paste.ini, '
            'live_migration_policy must come after keystonecontext'
        )
        return False
    try:
        req.get_content_type()
        req.set_api_version_request()
    except exception.NovaException:
        return False
    if route.old and req.api_version_request >= WITHOUT_OLD_PATHS:
        return False
    return route.project in (None, context.project_id)


def _why_not(context, route, body):
    """Give why a request is refused, None if it is not."""
    asked = route
    try:
        asked = api_request.read(route, _parsed(body))
        if asked is None:
            return None
        # A copy, since the lookups may go on after this request.
        change = LOOKUPS.call(
            CONF.numa_sched.api_lookup_seconds,
            _look_up,
            copy.copy(context),
            asked,
        )
        errors = api_verdict.refusals(change)
    except lookup.ABSENT as error:
        LOG.debug('%(asked)s: %(error)s', {'asked': asked, 'error': error})
        return None
    except Exception as error:
        LOG.warning(
            'The live-migration policy lets %(asked)s pass, since it cannot '
            'look up what it is about: %(error)r',
            {'asked': asked, 'error': error},
        )
        return None
    if not errors:
        return None
    why = api_verdict.message(change, errors)
    if CONF.numa_sched.api_contradictions == 'warn':
        LOG.warning('Not refused for now: %s', why)
        return None
    return why


def _parsed(body):
    """Give the JSON of a body as Nova reads it, None if it is none."""
    try:
        return jsonutils.loads(body)
    except (ValueError, RecursionError):
        return None


def _look_up(context, asked):
    # Have log lines of this thread name the request.
    context.update_store()
    return lookup.change(
        context, asked, with_images=CONF.numa_sched.image_wishes
    )
