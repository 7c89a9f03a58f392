"""Group DUP: persons and households that stand twice."""

from tests.imports.rules.cases_imp import NEIGHBOUR
from tests.imports.rules.homes import FIRES, Case, bad, home, one
from tests.workbooks import id_number


def number(serial: int) -> str:
    return id_number(serial, "19660606", "990311")


CASES = [
    Case(
        "DUP01",
        [
            bad(证件号码=number(1)),
            home({}, {"证件号码": number(1)} | FIRES),
            # In another county each: DUP02.
            one(证件号码=number(3)),
            one(证件号码=number(3), **NEIGHBOUR),
            one(证件号码="999999195001010018"),
            one(证件号码="999999195001010018"),
        ],
    ),
    Case(
        "DUP02",
        [
            bad(证件号码=number(5)),
            bad(证件号码=number(5), **NEIGHBOUR),
            one(证件号码=number(7)),
            one(证件号码=number(7)),
        ],
    ),
    Case(
        "DUP05",
        [
            bad(证件号码=number(9)),
            bad(证件号码=number(9) + "41"),
            one(证件号码=number(11)),
            one(证件号码=number(11)),
        ],
    ),
    Case(
        "DUP07",
        [
            home({"姓名": "何同名"} | FIRES, {}),
            bad(姓名="何同名"),
            one(姓名="何同名", 行政村="耕莘东路居民委员会"),
            home({}, {"姓名": "何同名"}),
            bad(家庭住址="一组 3 号"),
            bad(家庭住址="一组 3 号"),
            # Four households at one address are a hamlet.
            *(one(家庭住址="二组") for _ in range(4)),
            one(家庭住址=""),
        ],
    ),
    Case(
        "DUP08",
        [
            home(FIRES, {"行政村": "耕莘东路居民委员会"} | FIRES),
            home({"脱贫属性": "返贫"} | FIRES, FIRES),
            home({}, {}),
        ],
    ),
    Case("DUP10", [bad(人编号="86319"), bad(人编号="86319"), one(人编号="86320")]),
]
