"""Invented names and numbers. Surnames and characters are common ones; no combination is meant."""

from collections.abc import Callable

from core.idnumbers import NO_NUMBER, check_digit

# Common surnames of the region; the frequent ones stand twice or more.
SURNAMES = tuple(
    "王王王王李李李李张张张张刘刘刘陈陈杨杨赵赵周吴徐孙马马朱胡郭郭郭何高高林罗郑梁谢宋宋唐许韩韩冯邓曹彭曾肖田田董"
    "董潘袁蔡蒋余于杜叶程魏魏苏吕吕丁任任卢姚姜崔钟谭陆汪范石廖贾贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛"
    "郝龚邵万钱严赖武戴莫孔向常汤康乔"
)
HUI_SURNAMES = tuple("马马马马马丁白沙哈买海穆金金杨李")
# Given names come from these; the older have other fashions than the young.
_OLD_MALE = "国建军德金福成根土水天林长有万保全富贵发喜新海山石铁安定元春生书学文明正中大双庆宽广运来顺平树栓"
_YOUNG_MALE = (
    "浩宇轩博文子豪俊杰泽涵鑫磊鹏飞伟强超凡亮凯旋志远嘉铭晨阳旭东帅龙翔毅恒辰睿航昊天佑一诺"
)
_OLD_FEMALE = "秀英兰芳玉梅花香桂荣珍凤莲爱云红霞娥枝翠巧彩素春莉淑琴改转焕妞粉菊青竹叶平敏喜雪"
_YOUNG_FEMALE = "欣怡雨涵梓萱诗琪佳慧婷婷静雯雅文思雪莹倩楠丹丹娜蕾晓燕玲玲颖妍悦彤可馨若曦语嫣"
_GIVEN = {
    ("01", False): tuple(_OLD_MALE),
    ("01", True): tuple(_YOUNG_MALE),
    ("02", False): tuple(_OLD_FEMALE),
    ("02", True): tuple(_YOUNG_FEMALE),
}
GROUPS = (
    *(f"第{n}组" for n in "一二三四五六七八九"),
    "东组", "西组", "南坡", "北坡", "上河", "下河", "后沟", "前沟", "寨子", "老庄",
)  # fmt: skip
BANKS = ("农村信用社", "农村商业银行", "邮政储蓄银行", "农业银行")
# Month and day without 29 February; every day equally often.
DAYS = tuple(
    f"{month:02d}{day:02d}"
    for month, length in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1)
    for day in range(1, length + 1)
)


def given_name(draw: Callable[[], float], sex: str, born: int) -> str:
    """One or two characters by sex and generation."""
    pool = _GIVEN[sex, born >= 1985]
    size = len(pool)
    first = pool[int(draw() * size)]
    if draw() < (0.4 if born >= 1985 else 0.25):
        return first
    second = pool[int(draw() * size)]
    return first + second if second != first else first


class Numbers:
    """Identity, household and telephone numbers of one county, in the order they are asked for.

    Identity numbers begin with 99 and the last four digits of the county's code. `8630` and four
    digits of the county begin the 14-digit household and person numbers, as in the records seen.
    """

    def __init__(self, county: str) -> None:
        self.area = f"99{county[2:6]}"
        self._stem = f"8630{county[2:6]}"
        self._county = int(county[2:6])
        self._taken: dict[str, int] = {}
        self._households = 0
        self._persons = 200_000

    def identity(self, birth: str, sex: str) -> str:
        """The next free number for a birth date (YYYYMMDD) and a sex, with its check character."""
        key = birth + sex
        taken = self._taken.get(key, 0)
        self._taken[key] = taken + 1
        body = f"{self.area}{birth}{taken * 2 + (1 if sex == '01' else 2):03d}"
        return body + check_digit(body)

    def no_number(self, birth: str) -> str:
        """The placeholder for somebody without a document."""
        return f"{NO_NUMBER}{birth}0000"

    def household(self) -> tuple[str, str, str]:
        """(household number, telephone, bank account).

        The telephone range 154 was, as far as is known, never given to an operator.
        """
        self._households += 1
        at = self._households
        phone = f"154{self._county % 100:02d}{at:06d}"
        return f"{self._stem}{at:06d}", phone, f"9900{self._county:04d}{at:011d}"

    def person(self) -> str:
        self._persons += 1
        return f"{self._stem}{self._persons:06d}"
