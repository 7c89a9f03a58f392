"""Pages of imports: handing in, looking through, deciding, mapping, and the catalogue behind them."""
