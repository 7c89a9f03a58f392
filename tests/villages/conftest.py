from collections.abc import Callable

import pytest

from tests.villages.lists import CITY, HERE, load, load_file
from villages.models import Region
from villages.services import ListLoaded


@pytest.fixture
def city(db: None) -> Callable[[str], Region]:
    """The small city, loaded; called with a code it hands out the region."""
    load(CITY)
    return lambda code: Region.objects.get(code=code.ljust(12, "0"))


@pytest.fixture
def mengjin(db: None) -> list[ListLoaded]:
    """孟津县 and 吉利区, merged into 孟津区 in 2021: four years' lists, with their changes."""
    return load_file(HERE / "mengjin.csv")
