"""The documents, as docutils reads them: their blocks and what they name."""

import pathlib
from dataclasses import dataclass

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers import rst
from docutils.parsers.rst import directives

ROOT = pathlib.Path(__file__).parents[2]
PATHS = (ROOT / 'README.rst', *sorted((ROOT / 'doc/source').glob('*.rst')))
SETTINGS = {
    # What only Sphinx knows is not for docutils to complain of.
    'report_level': 5,
    'halt_level': 5,
    'syntax_highlight': 'none',
    'file_insertion_enabled': False,
}


class Block(rst.Directive):
    """A ``code-block`` of Sphinx."""

    has_content = True
    required_arguments = 1

    def run(self):
        text = '\n'.join(self.content)
        return [nodes.literal_block(text, text, language=self.arguments[0])]


directives.register_directive('code-block', Block)


@dataclass(frozen=True)
class Text:
    """A block of a document that is to be taken literally."""

    document: str
    language: str
    text: str

    def __str__(self):
        first = next(line for line in self.text.splitlines() if line.strip())
        return f'{self.document}: {first.strip()}'


def _read(path):
    return publish_doctree(
        path.read_text(), source_path=str(path), settings_overrides=SETTINGS
    )


TREES = {path.name: _read(path) for path in PATHS}
BLOCKS = tuple(
    Text(name, block.get('language', ''), block.astext())
    for name, tree in TREES.items()
    for block in tree.findall(nodes.literal_block)
    if not isinstance(block.parent, nodes.system_message)
)
# What is set as code within a sentence, its lines joined.
WORDS = tuple(
    (name, ' '.join(literal.astext().split()))
    for name, tree in TREES.items()
    for literal in tree.findall(nodes.literal)
)


def blocks(language='', *, document=None, containing=''):
    """Give the blocks of a language; without one, those that name none."""
    return [
        block
        for block in BLOCKS
        if block.language == language
        and document in (None, block.document)
        and containing in block.text
    ]


def block(*args, **kwargs):
    """Give the text of the one block that there is."""
    (found,) = blocks(*args, **kwargs)
    return found.text


def paragraph(text):
    """Give a text as one line, as its source may be wrapped."""
    return ' '.join(text.split())
