"""Applications of a cloud over HTTP on loopback, for real programs to ask.

Placement and the compute API are those of the cloud. Of identity and image,
which Nova's tests replace by fixtures, there is what a client needs: a token
with the catalogue, and images to read.
"""

import contextlib
import json
import socketserver
import threading
import urllib.parse
import wsgiref.simple_server
import wsgiref.util

import webob
from placement import deploy

from tests.cloud.api import PROJECT

TOKEN = 'admin'
SERVICES = {
    'placement': '/placement',
    'compute': '/compute/v2.1',
    'image': '/image',
    'identity': '/identity/v3',
}


class _Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class _Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        """Leave the output of tests alone."""


class Loopback(contextlib.AbstractContextManager):
    """A server on 127.0.0.1, with an application for each first folder.

    ``asked`` has each request, as method and path with query. ``before`` may
    be set to a function that is given each request first; where it gives a
    response, that is the answer.
    """

    def __init__(self, **applications):
        self.applications = {'identity': self._identity, **applications}
        self.asked = []
        self.before = None

    def __enter__(self):
        """Start it."""
        self._server = wsgiref.simple_server.make_server(
            '127.0.0.1',
            0,
            self._answer,
            server_class=_Server,
            handler_class=_Handler,
        )
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(
            target=self._server.serve_forever, daemon=True
        ).start()
        return self

    def __exit__(self, *error):
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self):
        """What a client is told by its environment."""
        return {
            'OS_AUTH_TYPE': 'password',
            'OS_AUTH_URL': f'{self.url}/identity/v3',
            'OS_USERNAME': 'admin',
            'OS_PASSWORD': 'secret',
            'OS_PROJECT_NAME': 'admin',
            'OS_USER_DOMAIN_ID': 'default',
            'OS_PROJECT_DOMAIN_ID': 'default',
            'OS_REGION_NAME': 'RegionOne',
        }

    def _answer(self, environ, start_response):
        request = webob.Request(environ)
        self.asked.append((request.method, request.path_qs))
        response = self.before and self.before(request)
        if response:
            return response(environ, start_response)
        name = wsgiref.util.shift_path_info(environ)
        return self.applications[name](environ, start_response)

    def _identity(self, environ, start_response):
        """Give a token, or tell that there is a version 3."""
        if webob.Request(environ).method == 'POST':
            response = webob.Response(
                status=201, json_body={'token': self._token()}
            )
            response.headers['X-Subject-Token'] = TOKEN
        else:
            version = {
                'id': 'v3.14',
                'status': 'stable',
                'links': [{'rel': 'self', 'href': f'{self.url}/identity/v3/'}],
            }
            response = webob.Response(json_body={'version': version})
        return response(environ, start_response)

    def _token(self):
        domain = {'id': 'default', 'name': 'Default'}
        return {
            'methods': ['password'],
            'expires_at': '2099-01-01T00:00:00.000000Z',
            'issued_at': '2026-01-01T00:00:00.000000Z',
            'user': {'id': 'admin', 'name': 'admin', 'domain': domain},
            'project': {'id': PROJECT, 'name': 'admin', 'domain': domain},
            'roles': [{'id': 'admin', 'name': 'admin'}],
            'catalog': [
                {
                    'id': kind,
                    'type': kind,
                    'name': kind,
                    'endpoints': [
                        {
                            'id': f'{kind}-{interface}',
                            'interface': interface,
                            'region': 'RegionOne',
                            'region_id': 'RegionOne',
                            'url': f'{self.url}{path}',
                        }
                        for interface in ('public', 'internal', 'admin')
                    ],
                }
                for kind, path in SERVICES.items()
            ],
        }


def of_cloud(cloud):
    """Give a server of the cloud: placement, compute and image."""
    return Loopback(
        placement=deploy.loadapp(cloud.placement.fixture.conf_fixture.conf),
        compute=as_admin(cloud.door().app),
        image=images(cloud.glance),
    )


def as_admin(application):
    """Give the compute API as one that knows the caller, as behind keystone.

    The tests of Nova have it read the caller from these headers.
    """

    def known(environ, start_response):
        environ.update(
            HTTP_X_AUTH_USER='admin',
            HTTP_X_AUTH_PROJECT_ID=PROJECT,
            HTTP_X_ROLES='reader,member,admin',
        )
        return application(environ, start_response)

    return known


def images(glance):
    """Give as much of the image API as reads images, by id or by name."""

    def shown(image):
        return {
            'id': image['id'],
            'name': image.get('name'),
            'status': 'active',
            'disk_format': image.get('disk_format'),
            **image.get('properties', {}),
        }

    def application(environ, start_response):
        request = webob.Request(environ)
        *_, last = urllib.parse.unquote(request.path_info).split('/')
        if request.path_info in ('', '/', '/v2', '/v2/'):
            link = {'rel': 'self', 'href': f'{request.application_url}/v2/'}
            version = {'id': 'v2.16', 'status': 'CURRENT', 'links': [link]}
            response = webob.Response(json_body={'versions': [version]})
        elif last == 'images':
            wanted = request.params.get('name')
            found = [
                shown(image)
                for image in glance.images.values()
                if wanted in (None, image.get('name'))
            ]
            response = webob.Response(json_body={'images': found})
        elif last in glance.images:
            response = webob.Response(json_body=shown(glance.images[last]))
        else:
            response = webob.Response(
                status=404, body=json.dumps({'message': 'none'}).encode()
            )
        return response(environ, start_response)

    return application
