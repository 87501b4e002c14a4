"""Exit statuses of the commands that plan, beside those that all have."""

INCOMPLETE = 3
"""Where a plan does not lead to all that is wanted."""

NOT_ALL = 4
"""Where not all of a plan has been carried out."""
