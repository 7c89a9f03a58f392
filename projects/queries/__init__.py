"""How projects are read for a purpose."""
