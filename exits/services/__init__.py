"""Computing the figures of the register."""

from exits.services.figures import (
    recompute,
    recompute_county,
    recompute_dirty,
    recompute_villages,
    roll_up,
)

__all__ = [
    "recompute",
    "recompute_county",
    "recompute_dirty",
    "recompute_villages",
    "roll_up",
]
