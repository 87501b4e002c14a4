"""The package for Debian, built and used in a Debian of the run's own.

Beside Debian's Nova, with Debian's Python and libraries: a release and
versions that no other test has.
"""
