"""Which columns a workbook has and where they go; layouts and synonyms are data."""

from imports.catalog.columns import (
    CONFIRMING,
    OUR_COLUMNS,
    REGION_COLUMNS,
    Column,
    is_ours,
    known_facts,
    read_specs,
    unknown_heads,
)
from imports.catalog.recognising import (
    Recognised,
    UnmappedError,
    UnrecognisedError,
    head_print,
    recognise,
    sync_layouts,
)

__all__ = [
    "CONFIRMING",
    "OUR_COLUMNS",
    "REGION_COLUMNS",
    "Column",
    "Recognised",
    "UnmappedError",
    "UnrecognisedError",
    "head_print",
    "is_ours",
    "known_facts",
    "read_specs",
    "recognise",
    "sync_layouts",
    "unknown_heads",
]
