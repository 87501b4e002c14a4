"""Nova's API application, with and without our filter in its pipelines."""

import json
import pathlib
import sys

import webob
from nova.api.wsgi import Loader

# A project id as keystone makes them; tenants are told apart by it.
PROJECT = '6f70656e737461636b20342065766572'
OTHER_PROJECT = '0' * 31 + '1'

LAST = 'osapi_compute_app_v21'
FILTER = """
[filter:live_migration_policy]
use = egg:numa-sched#live_migration_policy
"""


def write_paste_file(path, *, filtered):
    """Write an api-paste.ini: Nova's own, changed as the documents say."""
    stock = pathlib.Path(sys.prefix, 'etc/nova/api-paste.ini').read_text()
    if filtered:
        stock = stock.replace(f' {LAST}', f' live_migration_policy {LAST}')
        stock += FILTER
    pathlib.Path(path).write_text(stock)
    return str(path)


class Door:
    """The whole WSGI application, spoken to without a network.

    Or with a server in front, which reads the requests: a ``wire.UWSGI``.
    """

    def __init__(self, paste_file):
        self.app = Loader(paste_file).load_app('osapi_compute')
        self.server = None

    def request(
        self,
        method,
        path,
        body=None,
        *,
        user='admin',
        project=PROJECT,
        version='latest',
        root='/v2.1',
        **headers,
    ):
        """Give the response to one request.

        :param body: bytes, or what is sent as JSON
        :param user: 'admin', or anybody else, who may do what members may
        """
        roles = 'reader,member' + (',admin' if user == 'admin' else '')
        request = webob.Request.blank(root + path, method=method)
        request.headers.update(
            {
                'X-Auth-User': user,
                'X-Auth-Project-Id': project,
                'X-Roles': roles,
                'Content-Type': 'application/json',
                **headers,
            }
        )
        if version:
            request.headers['OpenStack-API-Version'] = f'compute {version}'
        if body is not None:
            request.body = (
                body
                if isinstance(body, bytes)
                else json.dumps(body).encode('utf-8')
            )
        if self.server is not None:
            request = self.server.read(root + path, request)
            if request is None:
                return webob.Response(status=400, text='{}')
        return request.get_response(self.app)
