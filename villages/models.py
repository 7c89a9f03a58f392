"""Administrative divisions with validity dates, and their yearly facts: the ground of all scoping."""

from datetime import date
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from core.fields import Amount, Count, YesNo
from core.history import tracked
from core.scope import ScopedQuerySet, below, trim, within
from villages.enums import Area, Basis, Level, PovertyLevel, Succession
from villages.formulas import short_name

YEAR_RANGE = Q(year__gte=2010, year__lte=2100)


class RegionQuerySet(ScopedQuerySet["Region"]):
    scope_field = "code"

    def visible_to(self, actor: object) -> Self:
        """Regions below the actor's grants, and the regions those lie in (their names are public)."""
        prefixes = actor.region_prefixes  # type: ignore[attr-defined]
        ancestors = {
            prefix[:length].ljust(12, "0")
            for prefix in prefixes
            for length in (2, 4, 6, 9)
            if length <= len(prefix)
        }
        return self.filter(within(prefixes, "code") | Q(code__in=ancestors))

    def valid_on(self, day: object) -> Self:
        """The list as it stood on this day; a missing end is open."""
        return self.filter(
            Q(valid_from__isnull=True) | Q(valid_from__lte=day),
            Q(valid_to__isnull=True) | Q(valid_to__gt=day),
        )

    def valid_in_year(self, year: int) -> Self:
        """The list as it stood at a partition's end, 31 December."""
        return self.valid_on(date(year, 12, 31))

    def below(self, prefix: str) -> Self:
        return self.filter(below(trim(prefix), "code"))


@tracked
class Region(models.Model):
    """One administrative division under one name and one code, for as long as both held.

    `valid_from` (inclusive) and `valid_to` (exclusive) may be open: an open start means "since
    before the first list known", an open end "still so". A renamed or recoded division is a new
    row with a `RegionSuccession`, so a report on 2018 still prints 孟津县.
    """

    code = models.CharField("统计用区划代码", max_length=12)
    name = models.CharField("名称", max_length=60)
    level = models.CharField("级别", max_length=8, choices=Level.choices)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="children", verbose_name="上级"
    )
    unit_kind = models.CharField("单位类别", max_length=10, blank=True)
    statistical_only = models.BooleanField("仅用于统计", default=False)
    valid_from = models.DateField("生效日期", null=True)
    valid_to = models.DateField("失效日期", null=True)
    source = models.CharField("来源", max_length=200)

    objects = RegionQuerySet.as_manager()

    class Meta:
        verbose_name = "行政区划"
        ordering = ["code", "valid_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^[0-9]{12}$"), name="region_code_12_digits"
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_to__gt=F("valid_from")),
                name="region_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(level="village", code__endswith="000"), name="region_village_code"
            ),
            ExclusionConstraint(
                name="region_code_once_at_a_time",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (
                        Func(
                            F("valid_from"),
                            F("valid_to"),
                            Value("[)"),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            # What the register's (village, code) keys point at.
            models.UniqueConstraint(fields=["id", "code"], name="region_id_code"),
        ]
        indexes = [
            models.Index(fields=["code"], name="region_code"),
            models.Index(fields=["name", "level"], name="region_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def prefix(self) -> str:
        """The code without its empty levels: what scopes and ranges use."""
        return trim(self.code)

    @property
    def short_name(self) -> str:
        """As a page calls it: 陈家门村, in the list of divisions 陈家门村村民委员会."""
        return short_name(self.name)

    def is_valid_on(self, day: date) -> bool:
        """Whether the division existed under this code and name on the day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or self.valid_to > day
        )


class RegionSuccession(models.Model):
    """A division became another one. Append-only."""

    old = models.ForeignKey(
        Region, models.PROTECT, related_name="successors", verbose_name="原区划"
    )
    new = models.ForeignKey(
        Region, models.PROTECT, related_name="predecessors", verbose_name="现区划"
    )
    kind = models.CharField("变更类型", max_length=16, choices=Succession.choices)
    effective_on = models.DateField("变更日期")
    source = models.CharField("来源", max_length=200)

    class Meta:
        verbose_name = "区划沿革"
        constraints = [
            models.UniqueConstraint(fields=["old", "new"], name="succession_once"),
            models.CheckConstraint(condition=~Q(old=F("new")), name="succession_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"


class RegionList(models.Model):
    """A published list that has been loaded: which part of the country, which level, which day.

    A list is complete for its part: what it does not name had ceased to exist by that day. The row
    says so even when the list changed nothing, so that an older list is never laid over a newer one.
    """

    prefix = models.CharField("区划前缀", max_length=6)
    level = models.CharField("级别", max_length=8, choices=Level.choices)
    as_of = models.DateField("截止日期")
    row_count = models.PositiveIntegerField("行数")
    source = models.CharField("来源", max_length=200)

    class Meta:
        verbose_name = "区划清单"
        ordering = ["as_of", "prefix", "level"]
        constraints = [
            models.UniqueConstraint(fields=["prefix", "level", "as_of"], name="region_list_once"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.get_level_display()} {self.as_of}"


class YearlyFactQuerySet(ScopedQuerySet[models.Model]):
    scope_field = "region_code"


@tracked
class CountyYear(models.Model):
    """What a county is in one year: poor-county level, area and the years of its exit."""

    region = models.ForeignKey(Region, models.PROTECT, verbose_name="县")
    region_code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    poverty_level = models.CharField("贫困县类别", max_length=10, choices=PovertyLevel.choices)
    area = models.CharField("所属地区", max_length=8, choices=Area.choices)
    is_deep_poverty = models.BooleanField("深度贫困县", default=False)
    planned_exit_year = models.PositiveSmallIntegerField("计划退出年度", null=True)
    exited_year = models.PositiveSmallIntegerField("退出年度", null=True)
    source = models.CharField("来源", max_length=200)

    objects = YearlyFactQuerySet.as_manager()

    class Meta:
        verbose_name = "县年度信息"
        constraints = [
            models.UniqueConstraint(fields=["region", "year"], name="county_year_once"),
            models.CheckConstraint(condition=YEAR_RANGE, name="county_year_range"),
            models.CheckConstraint(
                condition=Q(exited_year__isnull=True) | Q(exited_year__lte=F("year")),
                name="county_exit_not_in_future",
            ),
            models.CheckConstraint(
                condition=~Q(poverty_level="none") | Q(exited_year__isnull=True),
                name="county_exit_needs_poor_county",
            ),
        ]
        indexes = [models.Index(fields=["year", "region_code"], name="county_year_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year}"


@tracked
class VillageYear(models.Model):
    """What a village is in one year: poor village or not, deep poverty, its exit (出列), its facts.

    The facts are as the yearly export of villages declares them; money is 10,000 yuan, as stated
    there, and a missing one is not known.
    """

    region = models.ForeignKey(Region, models.PROTECT, verbose_name="村")
    region_code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    is_poor_village = models.BooleanField("贫困村", default=False)
    is_deep_poverty = models.BooleanField("深度贫困村", default=False)
    exited_year = models.PositiveSmallIntegerField("出列年度", null=True)
    source = models.CharField("来源", max_length=200)

    village_exited = YesNo("是否出列")
    households_total = Count("总户数", national="AAD005", unit="户")
    population_total = Count("总人口数", national="AAD010", unit="人")
    dangerous_house_households = Count("危房户数", national="ADA010", unit="户")
    households_unsafe_water = Count("未实现饮水安全户数", national="ADA008", unit="户")
    collective_income_10k = Amount("村级集体经济收入", national="AAD302", unit="万元")
    dibao_households = Count("低保户数", national="AAD008", unit="户")
    dibao_persons = Count("低保人口数", national="AAD012", unit="人")
    tekun_persons = Count("特困供养人口数", national="AAD013", unit="人")
    disabled_persons = Count("残疾人口数", national="AAD016", unit="人")
    primary_schools = Count("村小学个数", unit="个")
    clinics = Count("卫生室个数", national="AAD391", unit="个")
    doctors = Count("执业（助理）医师数", national="AAD393", unit="人")
    public_toilets = Count("公共卫生厕所个数", national="AAD392", unit="个")
    waste_points = Count("垃圾集中堆放点个数", national="AAD394", unit="个")
    culture_rooms = Count("文化（图书）室个数", national="AAD401", unit="个")
    has_bus = YesNo("是否通客运班车", national="AAD323")
    paved_to_town = YesNo("到乡镇是否通沥青（水泥）路", national="AAD328")
    resident_pension_participants = Count(
        "参加城乡居民基本养老保险人数", national="AAD313", unit="人"
    )

    objects = YearlyFactQuerySet.as_manager()

    class Meta:
        verbose_name = "村年度信息"
        constraints = [
            models.UniqueConstraint(fields=["region", "year"], name="village_year_once"),
            models.CheckConstraint(condition=YEAR_RANGE, name="village_year_range"),
            models.CheckConstraint(
                condition=Q(exited_year__isnull=True)
                | Q(exited_year__lte=F("year"), is_poor_village=True),
                name="village_exit_of_a_poor_village",
            ),
        ]
        indexes = [models.Index(fields=["year", "region_code"], name="village_year_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year}"


@tracked
class PopulationBase(models.Model):
    """The denominator of the headcount rate: persons of one region, year and basis, with source."""

    region = models.ForeignKey(Region, models.PROTECT, verbose_name="区划")
    region_code = models.CharField("区划代码", max_length=12)
    year = models.PositiveSmallIntegerField("年度")
    basis = models.CharField("口径", max_length=12, choices=Basis.choices)
    persons = models.PositiveIntegerField("人数（人）")
    source = models.CharField("来源", max_length=200)

    objects = YearlyFactQuerySet.as_manager()

    class Meta:
        verbose_name = "人口基数"
        constraints = [
            models.UniqueConstraint(
                fields=["region", "year", "basis"], name="population_base_once"
            ),
            models.CheckConstraint(condition=YEAR_RANGE, name="population_base_year"),
            models.CheckConstraint(condition=~Q(source=""), name="population_base_has_source"),
        ]
        indexes = [models.Index(fields=["year", "region_code"], name="population_base_scope")]

    def __str__(self) -> str:
        return f"{self.region_code} {self.year} {self.persons}"
