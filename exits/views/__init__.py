"""Pages of readiness: places, what stands in the way, what-if, standards, a household's items."""
