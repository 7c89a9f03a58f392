"""Reading figures, standards and readiness for a purpose."""

from exits.queries.figures import (
    Figures,
    definitions,
    figures,
    flows,
    headcount_series,
    lines_of_year,
    village_headcounts,
)

__all__ = [
    "Figures",
    "definitions",
    "figures",
    "flows",
    "headcount_series",
    "lines_of_year",
    "village_headcounts",
]
