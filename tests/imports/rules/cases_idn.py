"""Group IDN: who somebody is."""

from collections.abc import Callable

from tests.imports.rules.homes import FIRES, Case, bad, born, document, home, one
from tests.workbooks import id_number

PHONE, ACCOUNT = "13800000001", "6222000000000001"
MAN, WOMAN = id_number(801, "19660101"), id_number(802, "19660101")
SHENZHEN, NINGBO = "广东省深圳市", "浙江省宁波市"


def wrong(serial: int) -> str:
    number = document(serial)
    return number[:17] + ("1" if number[17] != "1" else "2")


def old(serial: int) -> str:
    """The number as it was before 1999: 15 digits."""
    number = document(serial)
    return number[:6] + number[8:17]


def certified(end: str) -> Callable[[int], str]:
    return lambda serial: document(serial) + end


def abroad(phone: str, *places: str) -> list[dict[str, str]]:
    return [{"成员联系电话": phone, "务工所在地": place} for place in places]


_GREAT = abroad(PHONE, SHENZHEN, NINGBO)

CASES = [
    Case("IDN01", [bad(证件号码=""), one(), one(证件号码="999999195001010018")]),
    Case("IDN02", [bad(证件号码="99032419700101001"), one(), one(证件号码=certified("41"))]),
    Case("IDN03", [bad(证件号码=old), one()]),
    Case("IDN04", [bad(证件号码=wrong), bad(证件号码="9903241970A1010018"), one()]),
    Case(
        "IDN05",
        [
            bad(证件号码=certified("85")),
            bad(证件号码=certified("15")),
            one(证件号码=certified("41")),
            one(证件号码=certified("41B1")),
        ],
    ),
    Case(
        "IDN06",
        [
            bad(证件类型="居民身份证", 证件号码=certified("42")),
            bad(证件类型="残疾人证"),
            one(证件类型="居民身份证"),
            one(证件类型="残疾人证", 证件号码=certified("42")),
            one(证件类型=""),
        ],
    ),
    Case(
        "IDN07",
        [
            bad(证件号码="999999195001010018"),
            bad(证件号码=born("19500101", "男", "199999")),
            one(),
        ],
    ),
    Case(
        "IDN08",
        [
            bad(证件号码=born("20190101")),
            bad(证件号码=born("19021231")),
            bad(证件号码=born("19700230")),
            one(证件号码=born("20181231")),
            one(证件号码=born("19030101")),
        ],
    ),
    Case("IDN09", [bad(性别="女"), one(性别="男"), one(性别="")]),
    Case("IDN10", [bad(出生日期="1971-01-01"), one(出生日期="1970-01-01"), one(出生日期="")]),
    Case(
        "IDN11",
        [
            bad(证件号码=born("19700101", "男", "560324")),
            bad(证件号码=born("19700101", "男", "910000")),
            one(证件号码=born("19700101", "男", "410324")),
            one(证件号码=born("19700101", "男", "820000")),
            one(证件号码="999999195001010018"),
        ],
    ),
    Case(
        "IDN13",
        [
            *(bad(姓名=name) for name in ("何A", "何2", "何 梅", "何")),
            one(姓名="阿依古丽·买买提"),
            one(姓名="何𠮷"),
        ],
    ),
    Case(
        "IDN14",
        [
            home({"姓名": "何梅一"} | FIRES, {}, 户主姓名="何梅二"),
            home({"姓名": "何梅三"}, {}, 户主姓名="何梅三"),
            home({"证件号码": MAN} | FIRES, {}, 户主证件号码=WOMAN),
            home({"证件号码": WOMAN}, {}, 户主证件号码=WOMAN),
            home({}, {}, 户主姓名=""),
        ],
    ),
    Case("IDN15", [bad(联系电话="6631"), bad(联系电话="12900001111"), one(), one(联系电话="")]),
    Case(
        "IDN16",
        [
            home(FIRES, {}, 联系电话=PHONE),
            bad(联系电话=PHONE),
            home({}, {}),
            one(联系电话=""),
            one(联系电话=""),
        ],
    ),
    Case(
        "IDN17",
        [
            [_GREAT[0] | FIRES, _GREAT[1]],
            [*abroad("13800000002", SHENZHEN), *abroad("13800000003", NINGBO)],
            abroad("13800000004", SHENZHEN, SHENZHEN + "宝安区"),
        ],
        year=2022,
    ),
    Case(
        "IDN18",
        [
            bad(银行卡号="62220000000"),
            bad(银行卡号="62220000000000000000"),
            bad(银行卡号=ACCOUNT),
            bad(银行卡号=ACCOUNT),
            one(银行卡号="622200000012"),
            one(银行卡号="6222000000000000001"),
            one(银行卡号=""),
        ],
    ),
]
