"""Which columns a workbook has and where they go; layouts and synonyms are data."""

from imports.catalog.recognising import (
    CONFIRMING,
    REGION_COLUMNS,
    Recognised,
    UnrecognisedError,
    read_specs,
    recognise,
    sync_layouts,
)

__all__ = [
    "CONFIRMING",
    "REGION_COLUMNS",
    "Recognised",
    "UnrecognisedError",
    "read_specs",
    "recognise",
    "sync_layouts",
]
