"""How a rule on money judges: one statement per kind of check."""
