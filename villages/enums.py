from django.db.models import TextChoices


class Level(TextChoices):
    PROVINCE = "province", "省"
    CITY = "city", "市"
    COUNTY = "county", "县"
    TOWN = "town", "乡镇"
    VILLAGE = "village", "村"


# Digits of the 12-digit code that are the division's own (GB/T 2260 and the Bureau's coding rule).
OWN_DIGITS = {"province": 2, "city": 4, "county": 6, "town": 9, "village": 12}


class Succession(TextChoices):
    """How a region became another one; words of the change list."""

    RENAMED = "renamed", "更名"
    RECODED = "recoded", "变更代码"
    RECODED_RENAMED = "recoded_renamed", "变更代码并更名"
    MERGED = "merged", "合并"
    SPLIT = "split", "拆分"


class UnitKind(TextChoices):
    """What the last digits of the code say by the Bureau's coding rule."""

    SUBDISTRICT = "街道", "街道"
    TOWN = "镇", "镇"
    TOWNSHIP = "乡", "乡"
    TOWN_LIKE = "类似乡级", "类似乡级"
    RESIDENT_COMMITTEE = "居委会", "居委会"
    VILLAGE_COMMITTEE = "村委会", "村委会"
    RESIDENT_LIKE = "类似居委会", "类似居委会"
    VILLAGE_LIKE = "类似村委会", "类似村委会"


class PovertyLevel(TextChoices):
    NATIONAL = "national", "国家级贫困县"
    PROVINCIAL = "provincial", "省级贫困县"
    NONE = "none", "非贫困县"


class Area(TextChoices):
    """Which central threshold applies: 2 % in the centre, 3 % in the west."""

    CENTRAL = "central", "中部地区"
    WESTERN = "western", "西部地区"


class Basis(TextChoices):
    """Whom a population base counts; published series do not share one basis."""

    AGRICULTURAL_HUKOU = "agri_hukou", "农业户籍人口"
    RURAL = "rural", "乡村总人口"
