"""How projects change: one function per act of an office."""
