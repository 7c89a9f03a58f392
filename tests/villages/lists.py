"""A city of two counties, small enough to be read, and the means to load lists."""

from datetime import date
from pathlib import Path
from typing import Any

from villages import workbooks
from villages.services import ListLoaded, load_divisions

HERE = Path(__file__).parent / "data"

CITY = [
    ("410000000000", "河南省", "province", ""),
    ("410300000000", "洛阳市", "city", "410000000000"),
    ("410324000000", "栾川县", "county", "410300000000"),
    ("410324100000", "城关镇", "town", "410324000000"),
    ("410324100001", "耕莘东路居民委员会", "village", "410324100000"),
    ("410324100203", "陈家门村村民委员会", "village", "410324100000"),
    ("410324200000", "栾川乡", "town", "410324000000"),
    ("410324200201", "养子沟村村民委员会", "village", "410324200000"),
    ("410325000000", "嵩县", "county", "410300000000"),
    ("410325100000", "城关镇", "town", "410325000000"),
    ("410325100201", "陈家门村村民委员会", "village", "410325100000"),
]
DATES = {2017: date(2017, 10, 31), 2018: date(2018, 10, 31), 2020: date(2020, 6, 30)}


def listed(
    entries: list[tuple[str, str, str, str]], year: int = 2017, **columns: str
) -> list[tuple[int, dict[str, str]]]:
    """A year's list as a file's reader hands it on, row numbers as in a spreadsheet."""
    heads = ("code", "name", "level", "parent_code")
    return [
        (
            number,
            dict(zip(heads, entry, strict=True)) | {"year": str(year), "source": "测试"} | columns,
        )
        for number, entry in enumerate(entries, start=2)
    ]


def without(*codes: str) -> list[tuple[str, str, str, str]]:
    return [entry for entry in CITY if entry[0] not in codes]


def renamed(code: str, name: str) -> list[tuple[str, str, str, str]]:
    return [(c, name if c == code else n, level, parent) for c, n, level, parent in CITY]


def load(
    entries: list[tuple[str, str, str, str]], year: int = 2017, **more: Any
) -> list[ListLoaded]:
    return load_divisions(rows=listed(entries, year), dates=DATES, by=None, **more)


def load_file(path: Path, **more: Any) -> list[ListLoaded]:
    changes = path.with_name(f"{path.stem}_changes.csv")
    return load_divisions(
        rows=workbooks.read_rows(path, workbooks.DIVISIONS),
        changes=workbooks.read_rows(changes, workbooks.CHANGES),
        dates=workbooks.snapshot_dates(),
        effective=workbooks.effective_dates(),
        by=None,
        **more,
    )
