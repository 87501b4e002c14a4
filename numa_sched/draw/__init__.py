"""Drawings of hosts and fleets: for terminals, as SVG and as pages.

:mod:`~numa_sched.draw.picture` gives what is to be seen as values, and says
everything in words; the others only put it on paper. What they show of a
server, its letters and its colour, depends on the host that it is on and on
nothing else, so that it looks the same wherever that host is drawn.
"""
