"""Reading the register for a purpose."""

from households.queries.conditions import UnlistedMetricError, list_query
from households.queries.lines import lines_from
from households.queries.years import partition_years

__all__ = ["UnlistedMetricError", "lines_from", "list_query", "partition_years"]
