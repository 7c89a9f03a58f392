"""Rules of readiness on plain values: judging an item, and finding what stands in the way."""
