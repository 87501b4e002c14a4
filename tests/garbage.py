"""What people write into options by mistake, and what breaks arithmetic."""

GARBAGE = [
    'nan',
    '-NaN',
    'inf',
    '-inf',
    'Infinity',
    '1e10',
    '-1e10',
    '1e999',
    '',
    'text',
    '0,5',
    '1 s',
    '$no_such_option',
]
