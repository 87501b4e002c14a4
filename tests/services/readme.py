"""What README.rst tells an operator to run and to write, as it is there."""

import re

from tests.functional import documents

README = 'README.rst'
PASTE_FILE = '/etc/nova/api-paste.ini'


def _commands(start):
    """Give the commands of the README that begin so, each once."""
    found = [
        block.text
        for block in documents.blocks(document=README)
        if block.text.startswith(start)
    ]
    found += [
        word
        for name, word in documents.WORDS
        if name == README and word.startswith(start)
    ]
    return list(dict.fromkeys(found))


def installation():
    """Give the commands that install it, where a checkout is."""
    return [
        command
        for command in _commands('pip install')
        if re.fullmatch(r"pip install '?\.(\[\w+\]'?)?", command)
    ]


def scheduler():
    """Give what nova.conf of nova-scheduler gets."""
    return _ini('[filter_scheduler]')


def compute():
    """Give what nova.conf of nova-compute gets."""
    return _ini('compute_driver')


def paste_filter():
    """Give what api-paste.ini gets."""
    return _ini('[filter:')


def _ini(containing):
    return documents.block('ini', document=README, containing=containing)


def paste_edit(path):
    """Give the command that edits an api-paste.ini.

    :param path: where that is
    """
    (command,) = _commands('sed -i')
    assert PASTE_FILE in command
    return command.replace(PASTE_FILE, str(path))


def status():
    """Give the command that tells whether it is all there."""
    (command,) = _commands('numa-sched-status')
    return command


def refusals(path):
    """Give what nova.conf gets for word of refusals.

    :param path: the file for it
    """
    (named,) = (
        word
        for name, word in documents.WORDS
        if name == README and ' refusals_file = ' in word
    )
    section, option, _, _ = named.split()
    return f'{section}\n{option} = {path}\n'


def metadefs():
    """Give the command that loads the keys into Glance."""
    (command,) = _commands('glance-manage')
    return command
