"""Rules on how a household is made up."""
