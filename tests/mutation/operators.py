"""Mutations that cosmic-ray does not know, in its own terms."""

from collections.abc import Iterator

import parso
from cosmic_ray.operators.exception_replacer import ExceptionReplacer
from cosmic_ray.operators.operator import Example, Operator

# What a word or sign becomes, by the node that it stands in (None for any).
TOKENS = {
    ('in', 'comparison'): 'not in',
    ('+=', None): '-=',
    ('-=', None): '+=',
    ('|=', None): '&=',
    ('&=', None): '|=',
    ('^=', None): '|=',
    ('min', 'atom_expr'): 'max',
    ('max', 'atom_expr'): 'min',
    ('any', 'atom_expr'): 'all',
    ('all', 'atom_expr'): 'any',
}


def _other(leaf) -> str | None:
    if not isinstance(leaf, parso.tree.Leaf) or leaf.parent is None:
        return None
    where = leaf.parent.type
    if where == 'atom_expr' and leaf is not leaf.parent.children[0]:
        return None
    return TOKENS.get((leaf.value, where)) or TOKENS.get((leaf.value, None))


class Swap(Operator):
    """A word or sign gives way to its opposite."""

    def mutation_positions(self, node) -> Iterator:
        if _other(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = _other(node)
        return node

    @classmethod
    def examples(cls):
        return (
            Example('a in b', 'a not in b'),
            Example('a |= b', 'a &= b'),
            Example('min(a)', 'max(a)'),
        )


class NotInToIn(Operator):
    """``not in`` becomes ``in``."""

    def mutation_positions(self, node) -> Iterator:
        if node.type == 'comp_op' and node.children[0].value == 'not':
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.children[0].value = ''
        return node

    @classmethod
    def examples(cls):
        return (Example('a not in b', 'a  in b'),)


class NegateFilter(Operator):
    """A comprehension takes what it left, and leaves what it took."""

    def mutation_positions(self, node) -> Iterator:
        if node.type == 'comp_if':
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node, index):
        condition = node.children[1].get_code()
        node.children[1] = parso.parse(f' not ({condition.strip()})')
        return node

    @classmethod
    def examples(cls):
        return (Example('[a for a in b if c]', '[a for a in b if not (c)]'),)


class Uncaught(ExceptionReplacer):
    """An exception is not caught, also if its name has dots."""

    @staticmethod
    def _name_nodes(node):
        caught = node.children[1]
        if caught.type == 'atom':
            caught = caught.children[1]
        several = caught.type == 'testlist_comp'
        each = caught.children[::2] if several else [caught]
        return [name.get_last_leaf() for name in each]


OWN = (Swap, NotInToIn, NegateFilter, Uncaught)
