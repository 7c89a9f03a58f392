"""Rules on files and cells."""
