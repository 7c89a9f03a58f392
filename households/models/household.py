from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Amount, Code, Codes, Count, Day, Secret, Text, YesNo
from core.history import tracked
from core.scope import ScopedQuerySet
from households.enums import EXIT_STATUSES, EXITED, POOR
from households.models.partition import Partition
from villages.models import Region


class HouseholdQuerySet(ScopedQuerySet["Household"]):
    household_field = "pk"


@tracked
class Household(models.Model):
    """A registered poor household (建档立卡贫困户): who it is, for ever.

    What is declared of it in a year stands in `HouseholdYear`. Never deleted.
    The number is opaque text: spreadsheets that turn it into a number have damaged it.
    """

    household_no = Text("户编号", max_length=20, unique=True, national="AAC001", blank=False)
    # (village, village_code) is one composite key onto the region: see the migration.
    village = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="行政村"
    )
    village_code = models.CharField("村代码", max_length=12)
    natural_village_name = Text("自然村（村民小组）", max_length=60)
    address = Text("家庭住址", max_length=200)
    first_identified_on = Day("首次识别时间")
    created_at = models.DateTimeField("登记时间", db_default=Now())
    # Where the household came from and went to: the ledger of movement goes by them.
    split_from = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="+",
        verbose_name="拆自",
    )  # fmt: skip
    split_partition = models.PositiveSmallIntegerField("拆户年度", null=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="+",
        verbose_name="并入",
    )  # fmt: skip
    ended_partition = models.PositiveSmallIntegerField("销户年度", null=True)

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        verbose_name = "贫困户"
        constraints = [
            models.CheckConstraint(
                condition=Q(household_no__regex=r"^[0-9A-Za-z]{1,20}$"), name="household_no_text"
            ),
            models.CheckConstraint(
                condition=~Q(village_code__endswith="000"), name="household_in_a_village"
            ),
            models.CheckConstraint(
                condition=Q(split_from__isnull=True, split_partition__isnull=True)
                | Q(split_from__isnull=False, split_partition__isnull=False),
                name="household_split_from_and_when",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(ended_partition__isnull=False),
                name="household_merged_when",
            ),
            # What persons' (household, village_code) keys point at.
            models.UniqueConstraint(fields=["id", "village_code"], name="household_id_village"),
        ]
        indexes = [
            models.Index(fields=["village_code", "household_no"], name="household_scope"),
            models.Index(
                fields=["merged_into"],
                condition=Q(merged_into__isnull=False),
                name="household_merged_into",
            ),
        ]

    def __str__(self) -> str:
        return self.household_no


class HouseholdYearQuerySet(ScopedQuerySet["HouseholdYear"]):
    household_field = "household_id"

    def in_year(self, partition: int) -> Self:
        return self.filter(partition_id=partition)

    def still_poor(self) -> Self:
        """未脱贫、预脱贫、返贫."""
        return self.filter(exit_status__in=POOR)

    def exited(self) -> Self:
        """已脱贫, with or without policies."""
        return self.filter(exit_status__in=EXITED)


def _not_negative(*names: str) -> list[models.CheckConstraint]:
    return [
        models.CheckConstraint(
            condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__gte": 0}),
            name=f"household_year_{name}_not_negative",
        )
        for name in names
    ]


@tracked
class HouseholdYear(models.Model):
    """Everything declared of a household for one year: status, causes, income, living conditions.

    Declared totals are kept as declared, never recomputed; money is yuan a year, land is mu,
    distances are kilometres, as the national forms state them.
    """

    partition = models.ForeignKey(Partition, models.PROTECT, db_index=False, verbose_name="年度")
    household = models.ForeignKey(
        Household, models.PROTECT, db_index=False, related_name="years", verbose_name="贫困户"
    )
    village = models.ForeignKey(
        Region, models.PROTECT, db_constraint=False, db_index=False, verbose_name="行政村"
    )
    village_code = models.CharField("村代码", max_length=12)

    # Status and cause
    identification_standard = Code("识别标准", national="AAC005", table="identification_standard")
    household_attribute = Code("贫困户属性", national="AAC006", table="household_attribute")
    exit_status = Code("脱贫状态", national="AAR010", table="exit_status", blank=False)
    exit_year = Count("脱贫年度", national="AAC023", unit="年")
    identified_year = Count("识别年度", national="AAR041", unit="年")
    main_cause = Code("主要致贫原因", national="AAC007", table="poverty_cause")
    other_causes = Codes("其他致贫原因", national="AAC008", table="poverty_cause")
    cause_note = Text("致贫原因说明", max_length=500, db_default="")
    relapse_cause = Code("返贫原因", national="AAC009", table="poverty_cause")
    household_type = Text("户类型", max_length=30)
    monitor_category = Code("监测对象类别", table="monitor_category")
    risk_cleared = YesNo("风险是否消除")
    identified_month = Text("风险识别时间", max_length=6)
    cleared_month = Text("风险消除时间", max_length=6)

    # Monitoring of those at risk of falling back, as the exports from 2021 on carry it
    risk_1 = Code("致贫/返贫风险1", table="risk_type", db_default="")
    risk_2 = Code("致贫/返贫风险2", table="risk_type", db_default="")
    risk_3 = Code("致贫/返贫风险3", table="risk_type", db_default="")
    risk_4 = Code("致贫/返贫风险4", table="risk_type", db_default="")
    risk_5 = Code("致贫/返贫风险5", table="risk_type", db_default="")
    disaster_sub_item = Text("因自然灾害子项", max_length=60, db_default="")
    clear_mode = Code("风险消除方式", table="risk_clear_mode", db_default="")
    compliant_self_paid_expense = Amount("合规自付支出", unit="元/年")
    whole_household_no_labour = YesNo("整户无劳动能力兜底保障户")
    development_measure_state = Text("实施开发式帮扶措施情况", max_length=60, db_default="")
    measure_health = Text("健康帮扶", max_length=200, db_default="")
    measure_education = Text("教育帮扶", max_length=200, db_default="")
    collector = Text("信息采集人", max_length=60, db_default="")
    collector_phone = Secret("信息采集人联系电话", max_length=30, sensitive=True)

    # Family
    member_count = Count("家庭人口数", national="AAC017", unit="人")
    member_count_current = Count("当前家庭人口数", unit="人")
    head_name = Text("户主姓名", max_length=60, national="AAC029")
    head_person_no = Text("户主个人编号", max_length=20, national="AAC025")
    head_id_no = Secret("户主证件号码", max_length=22, national="AAC031", sensitive=True)
    is_martyr_family = YesNo("是否军烈属", national="AAC012")
    is_only_child_family = YesNo("是否独生子女户", national="AAC013")
    is_two_daughter_family = YesNo("是否双女户", national="AAC014")
    phone = Secret("联系电话", max_length=30, national="AAR012", sensitive=True)
    village_phone = Text("村办公电话", max_length=30)
    bank_name = Text("开户银行名称", max_length=60, national="AAQ002")
    bank_account = Secret("银行卡号", max_length=30, national="AAC004", sensitive=True)

    # Income, yuan a year, as declared
    income_wage = Amount("工资性收入", national="AAC073", unit="元/年")
    wage_public_post = Amount("公益性岗位收入", unit="元/年")
    wage_other = Amount("其他工资性收入", unit="元/年")
    income_business = Amount("生产经营性收入", national="AAC071", unit="元/年")
    income_property = Amount("财产性收入", national="AAC072", unit="元/年")
    property_asset_dividend = Amount("资产收益扶贫分红收入", national="AAC092", unit="元/年")
    property_other = Amount("其他财产性收入", national="AAC093", unit="元/年")
    income_transfer = Amount("转移性收入", national="AAC085", unit="元/年")
    transfer_family_planning = Amount("计划生育金", national="AAC076", unit="元/年")
    transfer_dibao = Amount("低保金", national="AAC077", unit="元/年")
    transfer_tekun = Amount("五保金", national="AAC086", unit="元/年")
    transfer_pension = Amount("养老保险金", national="AAC087", unit="元/年")
    transfer_ecology = Amount("生态补偿金", national="AAC078", unit="元/年")
    transfer_other = Amount("其他转移性收入", national="AAC083", unit="元/年")
    reward_industry = Amount("产业奖励", unit="元/年")
    reward_employment = Amount("就业奖励", unit="元/年")
    expense_business = Amount("生产经营性支出", national="AAC074", unit="元/年")
    expense_business_gross = Amount("生产经营性支出（合计）", unit="元/年")
    subsidy_reducing_expense = Amount("专项用于减少生产经营性支出的补贴", unit="元/年")
    income_total = Amount("年收入", national="AAC081", unit="元/年")
    net_income = Amount("纯收入", national="AAC079", unit="元/年")
    net_income_per_capita = Amount("人均纯收入", national="AAC082", unit="元/人·年")

    # Living conditions
    farmland_mu = Amount("耕地面积", national="AAC301", unit="亩")
    irrigated_mu = Amount("有效灌溉面积", national="AAC302", unit="亩")
    forest_mu = Amount("林地面积", national="AAC303", unit="亩")
    returned_forest_mu = Amount("退耕还林面积", national="AAC304", unit="亩")
    orchard_mu = Amount("林果面积", national="AAC305", unit="亩")
    grassland_mu = Amount("牧草地面积", national="AAC306", unit="亩")
    water_surface_mu = Amount("水面面积", national="AAC307", unit="亩")
    has_production_power = YesNo("是否通生产用电", national="AAC308")
    has_domestic_power = YesNo("是否通生活用电", national="AAC313")
    drinking_source = Text("饮水情况", max_length=60, db_default="")
    drinking_difficult = YesNo("饮水是否困难", national="AAC311")
    drinking_safe = YesNo("饮水是否安全", national="AAC312")
    safe_water_solved = YesNo("是否解决安全饮用水", national="AAC091")
    has_broadcast = YesNo("是否通广播电视", national="AAC314")
    distance_to_main_road_km = Amount("与村主干路距离", national="AAC315", unit="公里")
    access_road_type = Code("入户路类型", national="AAC316", table="access_road_type")
    access_road_hardened = YesNo("入户道路是否硬化")
    house_area_m2 = Amount("住房面积", national="AAC317", unit="平方米")
    production_house_m2 = Amount("生产用房面积", unit="平方米")
    is_dangerous_house = YesNo("是否危房户", national="AAC318")
    dangerous_house_level = Code("危房级别", national="AAC322", table="dangerous_house_level")
    has_sanitary_toilet = YesNo("有无卫生厕所", national="AAC319")
    main_fuel = Code("主要燃料类型", national="AAC320", table="main_fuel")
    in_cooperative = YesNo("是否加入农民专业合作组织", national="AAC084")
    led_by_enterprise = YesNo("是否有龙头企业带动", national="AAC088")
    led_by_entrepreneur = YesNo("是否有创业致富带头人带动", national="AAC089")
    industry_help_type = Text("到户产业帮扶类型", max_length=200, db_default="")
    is_relocation_household = YesNo("是否易地搬迁户", national="ACR077")
    # Head counts; the form they come from states no unit.
    poultry = Count("家禽")
    cattle = Count("牛")
    sheep = Count("羊")
    pigs = Count("猪")

    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = HouseholdYearQuerySet.as_manager()

    class Meta:
        verbose_name = "贫困户年度信息"
        constraints = [
            models.UniqueConstraint(fields=["household", "partition"], name="household_year_once"),
            # Scope range, list order, and what persons' composite keys point at. The facts that lists
            # are counted by ride along, so that a count does not read the wide rows.
            models.UniqueConstraint(
                fields=["partition", "village_code", "household"],
                include=[
                    "exit_status",
                    "exit_year",
                    "main_cause",
                    "household_attribute",
                    "net_income_per_capita",
                    "head_name",
                ],
                name="household_year_scope",
            ),
            models.CheckConstraint(
                condition=Q(exit_status__in=EXIT_STATUSES), name="household_year_exit_status"
            ),
            models.CheckConstraint(
                condition=Q(exit_year__isnull=True)
                | Q(identified_year__isnull=True)
                | Q(exit_year__gte=F("identified_year")),
                name="household_year_exit_after_identification",
            ),
            models.CheckConstraint(
                condition=~Q(exit_status__in=EXITED)
                | Q(exit_year__isnull=True)
                | Q(exit_year__lte=F("partition")),
                name="household_year_exit_not_in_future",
            ),
            models.CheckConstraint(
                condition=Q(identified_year__isnull=True) | Q(identified_year__lte=F("partition")),
                name="household_year_identified_not_in_future",
            ),
            models.CheckConstraint(
                condition=Q(other_causes__len__lte=2), name="household_year_two_other_causes"
            ),
            *_not_negative("farmland_mu", "house_area_m2", "distance_to_main_road_km"),
        ]
        indexes = [
            models.Index(
                fields=["partition", "head_name", "household"], name="household_year_head_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.household_id} {self.partition_id}"
