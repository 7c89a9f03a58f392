"""Group STR: how a household is made up."""

from tests.imports.rules.homes import FIRES, Case, Row, born, home, one


def member(relation: str, sex: str, day: str, fires: bool = False) -> Row:
    return {"与户主关系": relation, "证件号码": born(day, sex)} | (FIRES if fires else {})


MAN = {"证件号码": born("19700101", "男")}
WOMAN = {"证件号码": born("19700101", "女")}


def with_head(head: Row, *others: Row) -> list[Row]:
    return [head, *others]


CASES = [
    Case("STR01", [home({"与户主关系": "其他"} | FIRES, {"与户主关系": "配偶"}), home({}, {})]),
    Case(
        "STR02",
        [home(FIRES, {"与户主关系": "户主"} | FIRES, {"与户主关系": "之子"}), home({}, {})],
    ),
    Case("STR03", [[{"人编号": "", "姓名": ""} | FIRES], home({}, {"人编号": "", "姓名": ""})]),
    Case(
        "STR05",
        [home({}, FIRES, {"与户主关系": "配偶"} | FIRES), home({}, {})],
    ),
    Case(
        "STR06",
        [
            with_head(MAN, member("配偶", "男", "19710101", fires=True)),
            with_head(WOMAN, member("配偶", "男", "19710101")),
            # Who has no number has no sex that could be compared.
            with_head(MAN, {"证件号码": "999999195001010018", "与户主关系": "配偶"}),
        ],
    ),
    Case(
        "STR07",
        [
            with_head(MAN, member("之子", "女", "19980101", fires=True)),
            with_head(MAN, member("之岳父", "女", "19450101", fires=True)),
            with_head(MAN, member("之子", "男", "19980101"), member("之女", "女", "19990101")),
        ],
    ),
    Case(
        "STR08",
        [
            with_head(MAN, member("之女", "男", "19980101", fires=True)),
            with_head(MAN, member("之母", "男", "19450101", fires=True)),
            with_head(MAN, member("之女", "女", "19980101"), member("之子", "男", "19990101")),
        ],
    ),
    Case(
        "STR09",
        [
            with_head(MAN, member("之子", "男", "19831231", fires=True)),
            with_head(MAN, member("之女", "女", "19600101", fires=True)),
            with_head(MAN, member("之子", "男", "19840101")),
            # A daughter-in-law may be of any age.
            with_head(MAN, member("之儿媳", "女", "19750101")),
        ],
    ),
    Case(
        "STR10",
        [
            with_head(MAN, member("之母", "女", "19570101", fires=True)),
            with_head(MAN, member("之父", "男", "19561231")),
        ],
    ),
    Case(
        "STR11",
        [
            with_head(MAN, member("之孙子", "男", "19970101", fires=True)),
            with_head(MAN, member("之外孙女", "女", "19980101")),
        ],
    ),
    Case(
        "STR12",
        [
            with_head(WOMAN, member("之岳父", "男", "19450101", fires=True)),
            with_head(MAN, member("之婆婆", "女", "19450101", fires=True)),
            with_head(MAN, member("之岳母", "女", "19450101")),
            with_head(WOMAN, member("之公公", "男", "19450101")),
        ],
    ),
    Case("STR13", [one(人数="6"), [{"人数": "7"} | FIRES], one(人数="")]),
    Case(
        "STR14",
        [
            home({"证件号码": born("20030101")} | FIRES, {"证件号码": born("20100101", "女")}),
            home({"证件号码": born("20030101")}, {"证件号码": born("20021231", "女")}),
            # Of one member nobody knows the age.
            home({"证件号码": born("20030101")}, {"证件号码": "999999195001010018"}),
        ],
    ),
    Case(
        "STR15",
        [
            home({"证件号码": born("20030101")} | FIRES, {}),
            home({"证件号码": born("20021231")}, {}),
        ],
    ),
    Case("STR17", [home({}, {"与户主关系": ""} | FIRES), home({}, {})]),
]
