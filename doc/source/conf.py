"""Sphinx configuration."""

import importlib.metadata
import logging

project = 'numa_sched'
release = version = importlib.metadata.version('numa-sched')
extensions = [
    'cliff.sphinxext',
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'sphinxcontrib.svgbob',
]
html_theme = 'openstackdocs'
# Nobody is told who reads them, and the licence is the package's.
html_theme_options = {
    'analytics_tracking_code': '',
    'display_badge': False,
    'sidebar_dropdown': '',
}
templates_path = ['_templates']
# It is no project of OpenStack: name and version are its own.
openstackdocs_auto_name = False
openstackdocs_auto_version = False
# Nor is each tree a checkout of git, which the theme would warn of.
logging.getLogger('sphinx.openstackdocstheme.ext').addFilter(
    lambda record: 'cannot get gitsha' not in record.getMessage()
)
man_pages = [
    (
        'numa-sched',
        'numa-sched',
        'why NUMA guests do not fit, where they go, how much is left',
        '',
        1,
    ),
    (
        'status',
        'numa-sched-status',
        'whether numa_sched is set up as it should be',
        '',
        1,
    ),
]
