"""Divisions. `tests.villages.lists` loads whole lists; these make single ones."""

import factory

from villages.models import Region, VillageYear


class RegionFactory(factory.django.DjangoModelFactory[Region]):
    """A village by default; a code that exists already is that division."""

    class Meta:
        model = Region
        django_get_or_create = ("code",)

    code = "410324100203"
    name = "陈家门村村民委员会"
    source = "测试"

    @factory.lazy_attribute
    def level(self) -> str:
        levels = ((10, "province"), (8, "city"), (6, "county"), (3, "town"))
        return next(
            (level for zeros, level in levels if self.code.endswith("0" * zeros)), "village"
        )


class VillageYearFactory(factory.django.DjangoModelFactory[VillageYear]):
    """A poor village of 2018."""

    class Meta:
        model = VillageYear

    region = factory.SubFactory(RegionFactory)
    region_code = factory.SelfAttribute("region.code")
    year = 2018
    is_poor_village = True
    source = "测试"
