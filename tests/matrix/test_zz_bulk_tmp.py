import pytest
from tests.matrix import test_matrix as m
import tests.matrix.table as table
OPS = tuple(o for o in table.OPERATIONS if o.route in ("households:mark-close", "households:detail", "households:task-close", "households:bulk-undo"))

@pytest.mark.parametrize("kept", m.WALLS)
def test_mine(kept, db, as_user, api_key, monkeypatch, capsys):
    monkeypatch.setattr(m, "OPERATIONS", OPS)
    monkeypatch.setattr(m, "PARTS", 1)
    m.test_matrix(kept, 0, db, as_user, api_key, monkeypatch, capsys)
