"""The years the register knows."""

from functools import lru_cache
from time import monotonic

from households.models import Partition


def partition_years() -> list[int]:
    """Years of the register, latest first; remembered for five seconds, every page asks."""
    return list(_years(int(monotonic() // 5)))


@lru_cache(maxsize=1)
def _years(_now: int) -> tuple[int, ...]:
    return tuple(Partition.objects.values_list("year", flat=True).order_by("-year"))


def forget_years() -> None:
    """Ask the database again, for a process that has just opened a year."""
    _years.cache_clear()


def closed_years() -> set[int]:
    """Years that take no more writes; asked each time, because a year closes in a moment."""
    closed = Partition.objects.filter(closed_at__isnull=False)
    return set(closed.values_list("year", flat=True))
