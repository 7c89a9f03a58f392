"""What the pages of a batch show."""

from imports.queries.changes import change_rows, changed_fields
from imports.queries.problems import problem_rows, problem_summary

__all__ = ["change_rows", "changed_fields", "problem_rows", "problem_summary"]
