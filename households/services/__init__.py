"""How the register changes."""
