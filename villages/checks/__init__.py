"""What division lists and yearly facts must satisfy."""

from villages.checks.files import (
    ChangeRow,
    DivisionRow,
    FactRow,
    PopulationRow,
    Problem,
    RawRow,
    changes,
    code_fits_level,
    divisions,
    facts,
    lies_below,
    population,
)
from villages.checks.years import Doubt, village_year

__all__ = [
    "ChangeRow",
    "DivisionRow",
    "Doubt",
    "FactRow",
    "PopulationRow",
    "Problem",
    "RawRow",
    "changes",
    "code_fits_level",
    "divisions",
    "facts",
    "lies_below",
    "population",
    "village_year",
]
