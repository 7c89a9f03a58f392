"""Why a file of divisions or yearly facts is not taken."""

from collections.abc import Sequence

from villages.checks import Problem


class RowsRefusedError(Exception):
    """Rows of a file are wrong; nothing was written. `problems` names each cell."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"共 {len(problems)} 处问题，没有写入任何数据。")
        self.problems = problems


class ListRefusedError(Exception):
    """A list as a whole cannot be loaded now; the text says why and what to do."""
