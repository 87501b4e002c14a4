from tests.functional.conftest import (  # noqa: F401
    _clean,
    cloud,
    door,
    nova,
    option,
)
