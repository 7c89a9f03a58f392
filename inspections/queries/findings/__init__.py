"""Lists of problems and the figures that are counted from them."""
