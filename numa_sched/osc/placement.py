"""What the commands ask of placement, over the client of osc-placement."""

import json
from collections.abc import Iterable
from typing import Any

import os_traits
from osc_lib import exceptions

VERSION = '1.18'
"""Providers by trait, since Rocky."""


class Placement:
    """Placement, with errors that are one line.

    :param manager: what ``openstack`` has clients in
    :raises CommandError: if osc-placement is not installed
    """

    def __init__(self, manager: Any):
        # Asking for it would make it.
        if not any('placement' in vars(each) for each in type(manager).mro()):
            raise exceptions.CommandError(
                'This needs osc-placement: install it beside the openstack '
                'command.'
            )
        self._manager = manager

    def get(self, path: str, *, version: str = VERSION, **params: str) -> Any:
        """Give what placement answers.

        :raises CommandError: if it does not, or refuses
        """
        return self._ask('GET', path, version=version, params=params)

    def put(self, path: str, body: Any) -> Any:
        """Replace something; give what placement answers.

        :raises Conflict: if it has changed since it was read
        :raises CommandError: if placement does not answer, or refuses
        """
        return self._ask('PUT', path, version=VERSION, json=body)

    def _ask(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            client = self._manager.placement
            answer = client.request(method, path, **kwargs)
            return answer.json()
        except exceptions.Conflict:
            raise
        except (json.JSONDecodeError, LookupError, TypeError) as error:
            # An answer that osc-placement cannot read: not of placement
            # itself, but of what is in front of it.
            raise exceptions.CommandError(_line(_answer(error))) from error
        except exceptions.CommandError:
            raise
        except Exception as error:
            raise exceptions.CommandError(_line(error)) from error

    def hosts(self, *traits: str) -> dict[str, str]:
        """Give the names of hosts by uuid, of those that have all traits.

        :raises CommandError: if placement does not answer, or refuses
        """
        required = ','.join((os_traits.COMPUTE_NODE, *traits))
        answer = self.get('/resource_providers', required=required)
        return _names(answer['resource_providers'])

    def providers(self) -> dict[str, str]:
        """Give the names of all providers by uuid.

        :raises CommandError: if placement does not answer, or refuses
        """
        return _names(self.get('/resource_providers')['resource_providers'])


def _names(providers: Iterable[Any]) -> dict[str, str]:
    return {each['uuid']: each['name'] for each in providers}


def _answer(error: BaseException) -> BaseException:
    """Give the error that stands for an answer, among those before it."""
    found: BaseException | None = error
    while found and not hasattr(found, 'http_status'):
        found = found.__context__
    return found or error


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f'Placement: {lines[0]}'
