"""The mutants of a module, as cosmic-ray makes them."""

import ast
import dataclasses
import re
from collections.abc import Iterator

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code

from tests.mutation.operators import OWN

# Of the operators those whose mutants tell something that others do not. Of
# comparisons each needs its neighbours and its opposite: whoever notices these
# notices all. A shift for a sum, say, dies of what a difference dies of.
_TELLING = re.compile(
    'core/(ReplaceComparisonOperator_(Lt_LtE|Lt_NotEq|Lt_GtE|LtE_Lt|LtE_Eq'
    '|LtE_Gt|Gt_GtE|Gt_NotEq|Gt_LtE|GtE_Gt|GtE_Eq|GtE_Lt|Eq_LtE|Eq_GtE'
    '|Eq_NotEq|NotEq_Lt|NotEq_Gt|NotEq_Eq|Is_IsNot|IsNot_Is)'
    '|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul'
    '|Mod_Mul|Pow_Mul|LShift_RShift|RShift_LShift|BitOr_BitAnd|BitAnd_BitOr'
    '|BitAnd_BitXor|BitXor_BitAnd)'
    '|ReplaceUnaryOperator_Delete_.*|AddNot|ReplaceTrueWithFalse'
    '|ReplaceFalseWithTrue|ReplaceAndWithOr|ReplaceOrWithAnd'
    '|ReplaceBreakWithContinue|ReplaceContinueWithBreak|NumberReplacer'
    '|ZeroIterationForLoop)'
)


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A module with one change.

    ``was`` and ``now`` are the changed lines, their white space folded.
    """

    line: int
    definition: str
    was: str
    now: str
    source: str
    diff: str


def mutants(source: str) -> Iterator[Mutant]:
    """Give the mutants of a module's source, each text once.

    Statement by statement of the module, since reading it takes longest.
    """
    operators = [
        plugins.get_operator(name)()
        for name in plugins.operator_names()
        if _TELLING.fullmatch(name)
    ] + [operator() for operator in OWN]
    lines = source.splitlines(keepends=True)
    for statement in ast.parse(source).body:
        first = min(
            node.lineno
            for node in (statement, *getattr(statement, 'decorator_list', ()))
        )
        last = statement.end_lineno
        text = ''.join(lines[first - 1 : last])
        for line, name, mutated in _mutations(text, operators):
            whole = [*lines[: first - 1], mutated, *lines[last:]]
            yield _mutant(source, ''.join(whole), first + line - 1, name)


def _mutations(text: str, operators: list) -> Iterator[tuple[int, str, str]]:
    """Give line, definition and text of each mutation of a statement."""
    untold = _untold(text)
    nodes = list(ast_nodes(get_ast(text)))
    seen = {text}
    for operator in operators:
        positions = (
            (node, start)
            for node in nodes
            for start, _ in operator.mutation_positions(node)
        )
        for occurrence, (node, start) in enumerate(positions):
            if any(first <= start < last for first, last in untold):
                continue
            # The sign after which parameters have names.
            if node.parent and node.parent.type == 'parameters':
                continue
            mutated = mutate_code(text, operator, occurrence)
            if mutated in seen or 'not not' in mutated:
                continue
            if not _compiles(mutated):
                continue
            seen.add(mutated)
            yield start[0], ASTQuery(node).get_definition_name() or '', mutated


def _compiles(text: str) -> bool:
    try:
        compile(text, '', 'exec')
    except SyntaxError:
        return False
    return True


def _untold(text: str) -> list[tuple[tuple[int, int], ...]]:
    """Give where types and decorators stand, which change no answer."""
    kinds = []
    for node in ast.walk(ast.parse(text)):
        kinds += getattr(node, 'decorator_list', ())
        kinds += [getattr(node, 'annotation', None)]
        kinds += [getattr(node, 'returns', None)]
    return [
        (
            (kind.lineno, kind.col_offset),
            (kind.end_lineno, kind.end_col_offset),
        )
        for kind in kinds
        if kind is not None
    ]


def _mutant(source: str, mutated: str, line: int, name: str) -> Mutant:
    was, now = _difference(source.splitlines(), mutated.splitlines())
    diff = [f'-{text}' for text in was] + [f'+{text}' for text in now]
    return Mutant(
        line, name, _folded(was), _folded(now), mutated, '\n'.join(diff)
    )


def _difference(was: list[str], now: list[str]) -> tuple[list[str], list[str]]:
    """Give what is left of lines without those that begin or end both."""
    for end in (0, -1):
        while was and now and was[end] == now[end]:
            del was[end], now[end]
    return was, now


def _folded(lines) -> str:
    return ' '.join(' '.join(lines).split())
