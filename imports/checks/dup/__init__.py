"""Rules on persons and households that stand twice."""
