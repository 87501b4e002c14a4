"""Neutron without networks: what Nova asks when servers have no ports."""

import json

COLLECTIONS = ('extensions', 'floatingips', 'networks', 'ports', 'subnets')


def application(environ, start_response):
    """Answer that there is none of what is asked for."""
    name = environ['PATH_INFO'].rstrip('/').rpartition('/')[2]
    name = name.removesuffix('.json')
    found = name in COLLECTIONS
    body = {name: []} if found else {'versions': []}
    known = found or not name or name == 'v2.0'
    start_response(
        '200 OK' if known else '404 Not Found',
        [('Content-Type', 'application/json')],
    )
    return [json.dumps(body).encode()]
