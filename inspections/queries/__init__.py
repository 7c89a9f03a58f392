"""Reading rounds for a purpose."""
