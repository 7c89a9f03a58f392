"""Group REQ: what must not be blank. Rules on households are told once, at the head's row."""

from typing import Any

from tests.imports.rules.homes import FIRES, Case, Home, bad, born, one

PENSIONS = ("是否参加城乡居民基本养老保险", "是否参加城镇职工基本养老保险")
MEDICAL = ("是否参加城乡居民基本医疗保险", "是否参加城镇职工基本医疗保险")


def household(code: str, header: str, said: Any, year: int = 2018) -> Case:
    """Fires where the column is blank, once, at the head's row wherever it stands."""
    late_head: Home = [
        {"与户主关系": "配偶", header: ""},
        {"与户主关系": "本人或户主", header: ""} | FIRES,
    ]
    return Case(code, [late_head, bad(**{header: " "}), one(**{header: said})], year=year)


def aged(day: str, **changes: Any) -> Home:
    return one(证件号码=born(day), **changes)


def aged_bad(day: str, **changes: Any) -> Home:
    return bad(证件号码=born(day), **changes)


def of(headers: tuple[str, ...], *said: str) -> dict[str, str]:
    return dict(zip(headers, said, strict=True))


CASES = [
    Case("REQ01", [bad(民族=""), bad(民族=" "), one(民族="汉族")]),
    Case(
        "REQ02",
        [
            bad(文化程度="", 在校生状况=""),
            bad(文化程度="", 在校生状况="非在校生"),
            one(文化程度="", 在校生状况="小学"),
            one(文化程度="小学", 在校生状况=""),
        ],
    ),
    Case(
        "REQ03",
        [
            aged_bad("20121231", 在校生状况=""),
            aged_bad("19950101", 在校生状况=""),
            aged("20130101", 在校生状况=""),
            aged("19941231", 在校生状况=""),
            aged("20081231", 在校生状况="非在校生"),
        ],
    ),
    Case("REQ04", [bad(健康状况=""), one(健康状况="健康"), one(健康状况="亚健康")]),
    Case(
        "REQ05",
        [
            aged_bad("20021231", 劳动技能=""),
            aged_bad("19530101", 劳动技能=""),
            aged("20030101", 劳动技能=""),
            aged("19521231", 劳动技能=""),
            aged("19800101", 劳动技能="无劳动力"),
        ],
    ),
    household("REQ06", "致贫原因", "因病"),
    household("REQ07", "是否通生产用电", "否"),
    household("REQ08", "是否加入农民专业合作社", "否"),
    household("REQ09", "与村主干路距离", "0"),
    household("REQ10", "入户路类型", "泥土路"),
    household("REQ11", "住房面积", "9"),
    Case("REQ11", [bad(住房面积="0"), one(住房面积="0.01")], note="nothing"),
    household("REQ12", "是否通生活用电", "否"),
    household("REQ13", "饮水困难", "否", 2017),
    household("REQ14", "饮水安全", "否", 2017),
    household("REQ15", "是否解决安全饮用水", "否"),
    household("REQ16", "主要燃料类型", "柴草"),
    household("REQ17", "是否有卫生厕所", "否"),
    household("REQ18", "危房户", "否"),
    Case(
        "REQ19",
        [
            bad(危房户="是", 危房级别=""),
            one(危房户="是", 危房级别="C级"),
            one(危房户="否", 危房级别=""),
            one(危房户="", 危房级别=""),
        ],
    ),
    household("REQ20", "耕地面积（亩）", "0"),
    household("REQ21", "林地面积（亩）", "0"),
    household("REQ22", "牧草地面积", "0"),
    Case("REQ23", [bad(参加大病医疗=""), one(参加大病医疗="否")]),
    Case(
        "REQ24",
        [
            aged_bad("20021231", **of(PENSIONS, "", "")),
            aged("20030101", **of(PENSIONS, "", "")),
            aged("19700101", **of(PENSIONS, "是", "")),
            aged("19700101", **of(PENSIONS, "", "否")),
        ],
    ),
    Case(
        "REQ25",
        [
            bad(**of(MEDICAL, "", "")),
            one(**of(MEDICAL, "否", "")),
            one(**of(MEDICAL, "", "是")),
            one(**of(MEDICAL, "是", "是")),
        ],
    ),
    Case(
        "REQ26",
        [
            bad(脱贫属性="已脱贫（享受政策）", 脱贫年度=""),
            bad(脱贫属性="已脱贫（不再享受政策）", 脱贫年度=""),
            one(脱贫属性="已脱贫（享受政策）", 脱贫年度="2017"),
            one(脱贫属性="未脱贫", 脱贫年度=""),
            one(脱贫属性="返贫", 脱贫年度=""),
        ],
    ),
    Case(
        "REQ27",
        [
            bad(脱贫属性="返贫", 返贫原因=""),
            one(脱贫属性="返贫", 返贫原因="因病"),
            one(脱贫属性="未脱贫", 返贫原因=""),
        ],
    ),
    household("REQ28", "识别标准", "国家标准"),
    household("REQ29", "联系电话", "13800000009"),
    Case(
        "REQ30",
        [
            bad(开户银行名称="", 银行卡号="6222000000009001"),
            bad(开户银行名称="农村信用社", 银行卡号=""),
            one(开户银行名称="农村信用社", 银行卡号="6222000000009002"),
        ],
    ),
]
