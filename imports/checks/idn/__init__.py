"""Rules on who somebody is."""
