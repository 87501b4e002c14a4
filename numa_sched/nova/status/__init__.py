"""The door of operators: whether Nova is set up for this package.

``numa-sched-status upgrade check`` reads ``nova.conf``, ``api-paste.ini``, the
databases and placement, and writes nothing anywhere.
"""
