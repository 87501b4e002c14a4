"""The same request under other spellings of its path."""

import json
import urllib.parse

import pytest
from hypothesis import strategies as st

from tests.cloud.api import OTHER_PROJECT, PROJECT
from tests.functional.api.requests import (
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
    server,
)

ROOTS = ('/v2.1', '/v2', '/V2.1', '/v2.1/', '/v2.1/.', '/%76%32.1', '/v2%2e1')
PROJECTS = ('', f'/{PROJECT}', f'/{PROJECT}/', f'/{OTHER_PROJECT}', '/%0a')
INSERTED = (
    *('%0a', '%0d', '%0d%0a', '%00', '%09', '%20', '%c2%a0', '%e2%80%a8'),
    *('/', '//', '/.', '/./', '/../', '%2f', '%2F', '%252f', '\\', '%5c'),
    *(';', ';x=1', '?', '?x=1', '%3f', '%23', '.json', '.xml', '.', '%2e'),
    *(
        '%85',
        '%0b',
        '%0c',
        '%1c',
        '%e2%84%aa',
        '%ef%bc%8f',
        '%ff',
        '{id}',
        '+',
    ),
)


def spellings(path):
    """Give a strategy for spellings of a path, most of them wrong."""

    @st.composite
    def spelling(draw):
        parts = list(path)
        for _ in range(draw(st.integers(0, 3))):
            at = draw(st.integers(0, len(parts) - 1))
            parts[at] = draw(_changes(parts[at]))
        if draw(st.booleans()):
            parts.append(draw(st.sampled_from(INSERTED)))
        return (
            draw(st.sampled_from(ROOTS + ROOTS[:1] * 5)),
            draw(st.sampled_from(PROJECTS + PROJECTS[:2] * 3))
            + ''.join(parts),
        )

    return spelling()


def _changes(character):
    """Give a strategy for what may stand for a character."""
    quoted = f'%{ord(character[:1] or "/"):02x}'
    return st.sampled_from(
        [quoted, quoted.upper(), f'%25{quoted[1:]}', character.swapcase(), '']
    ) | st.sampled_from(INSERTED).map(lambda text: character + text)


class PathChecker:
    """Sends requests that must be refused wherever Nova's API takes them."""

    def __init__(self, cloud, bad):
        """Take what clashes: a name to method, path and body."""
        self.door = cloud.door()
        self.nova = cloud.door(filtered=False)
        self.bad = bad
        self.outcomes = dict.fromkeys([*bad, 'answered by Nova'], 0)

    @classmethod
    def on(cls, cloud):
        """Give a checker of every action that is guarded, on a cloud."""
        flavor, image = old_flavor(cloud, {}), cloud.add_image()
        made = cloud.boot(flavor, image=image)['id']
        cloud.residents.add(made)
        key, other = clashing = flavor_specs('true', 'true')
        half = old_flavor(cloud, {other: 'true'})
        bad = old_flavor(cloud, clashing)
        worse = cloud.add_image(**image_properties('true', 'true'))
        creating = server(bad, image)
        del creating['server']['networks']
        action = f'/servers/{made}/action'
        specs = f'/flavors/{flavor}/os-extra_specs'
        one = f'/flavors/{half}/os-extra_specs/{key}'
        return cls(
            cloud,
            {
                'create': ('POST', '/servers', creating),
                'rebuild': ('POST', action, {'rebuild': {'imageRef': worse}}),
                'resize': ('POST', action, {'resize': {'flavorRef': bad}}),
                'several keys': ('POST', specs, {'extra_specs': clashing}),
                'one key': ('PUT', one, {key: 'true'}),
            },
        )

    def requests(self):
        """Give a strategy for requests."""
        return st.sampled_from(sorted(self.bad)).flatmap(
            lambda name: st.tuples(
                st.just(name),
                spellings(self.bad[name][1]),
                st.sampled_from(['2.1', '2.36', '2.86', 'latest']),
            )
        )

    def check(self, request):
        """Check one request.

        :raises AssertionError: if Nova takes what we should have refused, or
            does not answer as it does without us
        """
        name, (root, path), version = request
        method, _, body = self.bad[name]
        asked = {
            'root': root,
            'version': version,
            'body': json.dumps(body).encode(),
        }
        try:
            ours = self.door.request(method, path, **asked)
        except UnicodeDecodeError as error:
            # A path that is no UTF-8 ends Nova's own reading of it.
            with pytest.raises(UnicodeDecodeError, match=str(error)):
                self.nova.request(method, path, **asked)
            self.outcomes['answered by Nova'] += 1
            return
        if is_refused(ours):
            self.outcomes[name] += 1
            return
        where = urllib.parse.unquote(root + path)
        # At its roots Nova tells its version, whatever it is asked.
        assert ours.status_int >= 300 or list(ours.json) == ['version'], (
            *(method, where, ours.text),
        )
        novas = self.nova.request(method, path, **asked)
        assert answer(ours) == answer(novas), (method, where)
        self.outcomes['answered by Nova'] += 1
