"""What is no longer needed goes: `retention.keep(Rule(…))` for apps, the rest for the daily job."""

from core.retention.keeping import Result, Rule, apply, keep, remove_files, rules

__all__ = ["Result", "Rule", "apply", "keep", "remove_files", "rules"]
