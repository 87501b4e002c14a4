"""What OpenStack Watcher loads: strategies that hand plans to it.

Loaded by watcher-decision-engine and watcher-applier through entry points.
Nova need not be there: the cloud is read by a program of its own.
"""
