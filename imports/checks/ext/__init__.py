"""Rules on exits that the register's constraints demand."""
