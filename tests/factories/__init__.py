"""Rows made one by one, for tests that need a certain state rather than a certain workbook."""
