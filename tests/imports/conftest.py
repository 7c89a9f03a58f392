from tests.register import city, load_rows, stage

__all__ = ["city", "load_rows", "stage"]
