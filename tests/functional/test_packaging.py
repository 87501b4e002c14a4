"""What other installers are told comes to what the README tells."""

import subprocess

import pytest
import yaml

from tests.cloud import SCHEDULER_OPTIONS
from tests.cloud import api as cloud_api
from tests.functional import documents
from tests.functional.test_documents import STOCK_PASTE, as_dict, sections

PAGE = 'packaging.rst'
DRIVER = 'numa_sched.LibvirtDriver'


def wanted(directory):
    """Give the paste file that the tests are run with."""
    path = cloud_api.write_paste_file(directory / 'ours.ini', filtered=True)
    return as_dict(sections(open(path).read()))


def test_an_image_gets_the_paste_file_of_the_readme(tmp_path):
    path = tmp_path / 'api-paste.ini'
    path.write_text(STOCK_PASTE.read_text())
    recipe = documents.block('jinja', document=PAGE)
    _, command = recipe.split('RUN ')
    command, _ = command.split('{% endblock %}')
    command = command.replace('/etc/nova/api-paste.ini', str(path))
    subprocess.run(['sh', '-ec', command], check=True)
    assert as_dict(sections(path.read_text())) == wanted(tmp_path)


@pytest.mark.newest
def test_a_role_is_given_the_options_and_pipelines_of_the_readme(tmp_path):
    told = yaml.safe_load(documents.block('yaml', document=PAGE))
    options = told['nova_nova_conf_overrides']['filter_scheduler']
    assert (
        list(options['available_filters'])
        == (SCHEDULER_OPTIONS['available_filters'])
    )
    for name in ('enabled_filters', 'weight_classes'):
        assert options[name].split(',') == SCHEDULER_OPTIONS[name]
    assert told['nova_compute_driver'] == DRIVER
    paste = as_dict(sections(STOCK_PASTE.read_text()))
    for name, changed in told['nova_api_paste_ini_overrides'].items():
        paste.setdefault(name, dict(paste['DEFAULT'])).update(changed)
    assert paste == wanted(tmp_path)
