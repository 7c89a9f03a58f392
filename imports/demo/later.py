"""What exports of later years say of the demo city: facts that its register does not hold.

Each value follows from the number of the household, person or village alone, so that every workbook
of the same city says the same, and a fact once loaded is found unchanged when it is loaded again.
"""

import zlib
from collections.abc import Callable

from imports.demo.places import Village

Fact = Callable[[int], str]
YES_NO = ("是", "否", "")
# As the shipped lists write them.
RISKS = ("因病", "因残", "因学", "缺劳动力", "因务工就业不稳", "")
CHANNELS = ("外出务工", "帮扶车间", "自主创业", "公益性岗位")
COUNTIES = ("栾川县", "嵩县", "伊川县", "涧西区")


def luck(*words: object) -> int:
    """A number that stays the same for the same words."""
    return zlib.crc32("|".join(map(str, words)).encode())


def _one_of(*values: str) -> Fact:
    return lambda seed: values[seed % len(values)]


def _yuan(most: int, share: int = 3) -> Fact:
    """An amount for one household in `share`; nothing for the others."""
    return lambda seed: f"{seed // 7 % most}.00" if seed % share == 0 else "0.00"


def _count(most: int) -> Fact:
    return lambda seed: str(seed // 5 % (most + 1))


HOUSEHOLD: dict[str, Fact] = {
    "industry_help_type": _one_of("种植业", "养殖业", "种植业、加工业", ""),
    "wage_public_post": _yuan(9_000),
    "wage_other": _yuan(30_000, 2),
    "reward_industry": _yuan(2_000),
    "reward_employment": _yuan(1_500),
    "expense_business_gross": _yuan(6_000, 2),
    "subsidy_reducing_expense": _yuan(800),
    "cause_note": _one_of("", "家庭收入来源单一", "无额外说明"),
    "production_house_m2": lambda seed: f"{seed % 60}.00",
    "poultry": _count(40),
    "cattle": _count(3),
    "sheep": _count(12),
    "pigs": _count(5),
    "is_relocation_household": _one_of("否", "否", "否", "是"),
    "drinking_source": _one_of("自来水", "井水", "山泉水"),
    "whole_household_no_labour": _one_of("否", "否", "是"),
    "risk_1": _one_of(*RISKS[:4]),
    "risk_2": _one_of(*RISKS[2:]),
    "risk_3": _one_of("", "", "因残"),
    "risk_4": _one_of(""),
    "risk_5": _one_of(""),
    "disaster_sub_item": _one_of("", "", "洪涝"),
    "clear_mode": _one_of("帮扶消除", "自然消除", ""),
    "compliant_self_paid_expense": _yuan(12_000),
    "collector": _one_of("测试采集员甲", "测试采集员乙"),
    "collector_phone": lambda seed: f"199{seed % 10**8:08d}",
    "development_measure_state": _one_of("已实施", "未实施", ""),
    "measure_health": _one_of("大病救治", "", "签约服务"),
    "measure_education": _one_of("", "教育资助"),
    "access_road_hardened": _one_of("是", "是", "否"),
}
PERSON: dict[str, Fact] = {
    "plans_to_work": _one_of(*YES_NO),
    "service_need": _one_of("岗位推荐", "技能培训", ""),
    "planned_county": _one_of(*COUNTIES),
}
# A person's spells; the seed of the second differs.
SPELL: dict[str, Fact] = {
    "employment_channel": _one_of(*CHANNELS),
    "work_county": _one_of(*COUNTIES),
    "transport_subsidy": _yuan(500, 2),
    "monthly_income": lambda seed: f"{2_000 + seed % 4_000}.00",
    "work_employer": _one_of("测试建筑公司", "测试电子厂", ""),
    "industry": _one_of("建筑业", "制造业", "居民服务业"),
    "point_to_point": _one_of(*YES_NO),
}


def _share(per_hundred: int) -> Callable[[Village, int], str]:
    return lambda village, seed: str(int(village.weight * 400) * per_hundred // 100)


VILLAGE: dict[str, Callable[[Village, int], str]] = {
    "village_exited": lambda village, _: (
        ("是" if village.exited_year and village.exited_year <= 2018 else "否")
        if village.is_poor
        else ""
    ),
    "households_total": _share(100),
    "population_total": _share(360),
    "dangerous_house_households": _share(2),
    "households_unsafe_water": _share(1),
    "collective_income_10k": lambda _, seed: f"{seed % 40}.{seed % 100:02d}",
    "dibao_households": _share(6),
    "dibao_persons": _share(11),
    "tekun_persons": _share(2),
    "disabled_persons": _share(9),
    "primary_schools": lambda _, seed: str(seed % 2),
    "clinics": lambda _, seed: str(1 + seed % 2),
    "doctors": lambda _, seed: str(seed % 3),
    "public_toilets": lambda _, seed: str(seed % 4),
    "waste_points": lambda _, seed: str(1 + seed % 6),
    "culture_rooms": lambda _, seed: str(seed % 2),
    "has_bus": lambda _, seed: ("是", "否")[seed % 2],
    "paved_to_town": lambda _, __: "是",
    "resident_pension_participants": _share(180),
}


# Facts that the demo city's register does not hold.
KNOWN = frozenset((*HOUSEHOLD, *PERSON, "has_worked", "member_count_current"))


def household(identifier: str, number: str) -> str:
    """A later fact of a household as its cell shows it; '' for one that is none of these."""
    fact = HOUSEHOLD.get(identifier)
    return fact(luck(identifier, number)) if fact else ""


def person(identifier: str, number: str) -> str:
    fact = PERSON.get(identifier)
    return fact(luck(identifier, number)) if fact else ""


def spell(identifier: str, number: str, at: int) -> str:
    """A fact of a person's spell, the first (0) or second (1) of the year."""
    if identifier == "started_month":
        # Both begin in different halves of the year.
        return f"2018年{1 + luck('began', number) % 6 + 6 * at:02d}月"
    if identifier == "ended_month":
        return ("2018年06月", "2018年12月")[at]
    fact = SPELL.get(identifier)
    return fact(luck(identifier, number, at)) if fact else ""


def village(identifier: str, one: Village) -> str:
    fact = VILLAGE.get(identifier)
    return fact(one, luck(identifier, one.code)) if fact else ""
