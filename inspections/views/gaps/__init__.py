"""Pages of what is still missing."""
