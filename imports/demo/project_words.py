"""Names, contents and measured facts of the demo city's projects; all invented, prices per unit chosen."""

from imports.demo.places import random_for
from imports.demo.project_plan import INDUSTRY, RELOCATION, ROAD, Draft
from projects.enums import Benefit, Owner

WORDS: dict[str, tuple[str, ...]] = {
    "0101": ("食用菌种植基地", "中药材种植基地", "优质红薯种植", "高效蔬菜大棚", "辣椒订单种植"),
    "0102": ("肉牛养殖小区", "生态养鸡场", "奶山羊养殖", "生猪养殖小区", "中华蜂养殖"),
    "0103": ("核桃基地提升", "优质林果种植", "连翘种植基地", "樱桃采摘园", "皂角种植基地"),
    "0104": ("农产品加工厂", "粉条加工厂", "豆腐加工厂", "中药材初加工"),
    "0105": ("农家乐改造提升", "休闲农业观光园", "乡村旅游民宿"),
    "0106": ("村级光伏电站", "分布式光伏发电"),
    "0107": ("电商服务站", "农产品网上直销"),
    "0108": ("资产收益扶贫", "标准化厂房入股分红"),
    "0109": ("村集体经济发展", "村集体仓储冷库"),
    "0110": ("扶贫车间", "来料加工点"),
    "0201": ("实用技术培训", "电焊工技能培训", "护工家政培训"),
    "0203": ("公益性岗位",),
    "03": ("易地扶贫搬迁安置点",),
    "0401": ("贫困家庭学生资助",),
    "06": ("农村危房改造",),
    "08": ("农户六改一增", "户用厕所改造", "入户路和庭院整治"),
    "1001": ("村组道路硬化",),
    "1002": ("安全饮水巩固提升工程",),
    "1003": ("小型灌溉渠", "提灌站改造"),
    "1004": ("农网改造升级",),
    "1005": ("太阳能路灯安装",),
    "1101": ("标准化村卫生室",),
    "1102": ("综合文化服务中心", "文化健身广场"),
    "1103": ("小学教学用房改造", "幼儿园改造"),
    "1104": ("便民服务中心", "公共浴室和养老服务站"),
}
# Facts that nothing published fixes: yuan for one of them.
_PRICES: dict[str, tuple[tuple[str, int], ...]] = {
    "0101": (("area_mu", 1_500),), "0102": (("head", 800),), "0103": (("area_mu", 1_800),),
    "0104": (("floor_m2", 1_200), ("jobs", 15_000)), "0105": (("beds", 9_000),),
    "0106": (("power_kw", 7_000),), "0107": (("stations", 60_000),), "0108": (("shares_yuan", 1),),
    "0109": (("income_yuan", 16),), "0110": (("floor_m2", 1_500), ("jobs", 20_000)),
    "08": (("households", 2_800),), "1003": (("area_mu", 1_600),), "1004": (("length_km", 90_000),),
    "1005": (("lamps", 3_800),), "1101": (("floor_m2", 1_400),), "1102": (("floor_m2", 1_300),),
    "1103": (("floor_m2", 1_600),), "1104": (("floor_m2", 1_500),),
}  # fmt: skip
# What lies outside the year plan has no share of a published quantity; about what one costs.
_ELSE: dict[str, tuple[tuple[str, int], ...]] = {
    "06": (("houses", 18_000),), "0201": (("trainees", 1_200),), "0203": (("posts", 6_000),),
    "1001": (("length_km", 450_000),), "1002": (("works", 350_000), ("persons", 1_000)),
}  # fmt: skip
_WIDTHS = (3.5, 4.0, 4.5)
_METRES_A_PERSON = 25
_BENEFITS = {
    "0104": Benefit.JOB, "0110": Benefit.JOB, "0106": Benefit.DIVIDEND, "0109": Benefit.DIVIDEND,
    "0108": Benefit.SHARE, "0105": Benefit.JOB, "0107": Benefit.SERVICE,
}  # fmt: skip


def name_of(draft: Draft, place: str, number: int) -> str:
    words = random_for("words", number, draft.site).choice(WORDS[draft.type])
    order = f"（{number}号）" if draft.type == RELOCATION else ""
    return f"{place}{draft.year}年{words}{'' if words.endswith('工程') else '项目'}{order}"


def facts_of(draft: Draft) -> dict[str, float]:
    """Everything the project measures, by code: the published share, or what its money buys."""
    found = dict(draft.facts)
    yuan = draft.units * 100
    for code, price in (*_PRICES.get(draft.type, ()), *_ELSE.get(draft.type, ())):
        found.setdefault(code, max(1, round(yuan / price)))
    if draft.type == ROAD:
        found["width_m"] = random_for("width", draft.site).choice(_WIDTHS)
    if draft.type == RELOCATION:
        found["floor_m2"] = found["persons"] * _METRES_A_PERSON
    return found


def benefit_of(draft: Draft) -> str:
    return _BENEFITS.get(draft.type, Benefit.MATERIAL)


def owner_of(draft: Draft, place: str) -> tuple[str, str]:
    """(kind of owner, its name) of what the project leaves."""
    if draft.type in ("06", "08", "03"):
        return Owner.HOUSEHOLD, "受益农户"
    if draft.site.endswith("000") and draft.group != INDUSTRY:
        return Owner.COUNTY, f"{place}人民政府"
    return Owner.VILLAGE, f"{place}村民委员会" if not draft.site.endswith("000") else f"{place}各村"
