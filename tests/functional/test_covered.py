"""What is told of the coverage is what was gone through."""

import types

import slipcover

from tests import covered


def test_a_function_keeps_its_probes_however_often_it_runs():
    covered.keep_probes()
    measured = slipcover.Slipcover(branch=False)
    code = compile('def answer():\n    return 42\n', 'answers.py', 'exec')
    module = types.ModuleType('answers')
    measured.register_module(module)
    exec(measured.instrument(code), vars(module))
    with_probes = module.answer.__code__

    for _ in range(1_000):
        module.answer()

    assert module.answer.__code__ is with_probes
