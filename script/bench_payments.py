"""A workbook of 100,000 payments to households, from the file to the voucher that waits.

The floor is what nobody can do without: the same reader parsing the file, and raw COPY of its rows
into a bare table. Everything else counts as work: sealing, every check, the preview's rows, the
voucher and its payments with their keys, claims and totals. Floor and product take turns, and of
each the quickest turn counts: company on the machine slows them unevenly.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any

from bench import ratio, run, say, timed
from django.db import connection, transaction

ROWS = 100_000
ON = date(2018, 6, 1)
BAR = 3.0
TURNS = 3
# A hundredth of the rows each have a fault that only the register or the file as a whole shows.
_EVERY = 100
_WANTED = """
SELECT h.household_no, p.name FROM households_householdyear y
  JOIN households_household h ON h.id = y.household_id
  JOIN households_personyear m ON m.household_id = h.id AND m.partition_id = y.partition_id
   AND m.relation_to_head = '01'
  JOIN households_person p ON p.id = m.person_id
 WHERE y.partition_id = %s AND coalesce(h.first_identified_on <= %s, true)
 ORDER BY h.id LIMIT %s
"""


def bench_payments(folder: Path, rows: int = ROWS, turns: int = TURNS) -> dict[str, Any]:
    """Ratio of the whole and seconds by phase; the register is the one in this database."""
    book, read = _book(folder, rows)
    cashier, checker = _person("bench-cashier"), _person("bench-checker")
    floors, taken = [], []
    with uploads(folder):
        account = _allotment(cashier, checker)
        for turn in range(turns):
            floors.append(_floor(book))
            taken.append(_paid(book, account, cashier, checker, turn))
            say(f"第 {turn + 1} 次：下限 {sum(floors[-1].values()):.2f} 秒，{taken[-1][0]}")
    floor = min(floors, key=lambda one: sum(one.values()))
    seconds, batch = min(taken, key=lambda one: sum(one[0].values()))
    total, least = sum(seconds.values()), sum(floor.values())
    return {
        "rows": read,
        "paid": batch.rows_good,
        "handed_back": batch.rows_bad,
        "floor_seconds": _rounded(floor),
        "seconds": _rounded(seconds) | {"phases": batch.seconds},
        "rows_per_second": round(read / total),
        "ratio_to_preview": ratio(seconds["check"], least),
        "ratio": ratio(total, least),
        "ratio_of_each_turn": [
            ratio(sum(told.values()), sum(least.values()))
            for (told, _), least in zip(taken, floors, strict=True)
        ],
        "bar": BAR,
    }


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in seconds.items()}


def _book(folder: Path, rows: int) -> tuple[Path, int]:
    from core.workbooks.writing import Book
    from funds.workbooks import COLUMNS

    homes = run(_WANTED, [ON.year, ON, rows])
    path = folder / "payments.xlsx"
    with Book(path, "名单", COLUMNS) as book:
        for place, (number, name) in enumerate(homes):
            wrong = place % _EVERY == 0
            book.append(
                [
                    number, "", "错名" if wrong else name, "产业奖补",
                    Decimal(100 + place % 900), str(6217000000000000 + place), "",
                ]
            )  # fmt: skip
    return path, len(homes)


# --- the floor ---------------------------------------------------------------------------------


def _floor(book: Path) -> dict[str, float]:
    lines = BytesIO()
    started = monotonic()
    _parse(book, lines)
    parse = monotonic() - started
    return {"parse": parse, "copy": _copy(lines)}


def _parse(book: Path, lines: BytesIO) -> None:
    """The reader alone, as the product calls it; what it prints is kept as it comes."""
    from core.workbooks import child
    from funds import workbooks

    with child.reading(book, "xlsx") as parser:
        facts = parser.hello()
        at, there = workbooks.recognise(facts["head"], workbooks.SPECS, workbooks.NEEDED)
        parser.tell({"header_row": at, "columns": [workbooks.column(one, there) for one in there]})
        while sizes := parser.stdout.readline():
            raw, size = map(int, sizes.split())
            parser.stdout.read(raw)
            lines.write(parser.stdout.read(size))
        parser.finish()


def _copy(lines: BytesIO) -> float:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE floor_payments (row_no int, faults text, bank_account text, id_no text,"
            " household_no text, name text, subsidy text, amount numeric, remark text)"
        )
        lines.seek(0)
        taken = timed(lambda: cursor.copy_expert("COPY floor_payments FROM STDIN", lines, 1 << 18))
        transaction.set_rollback(True)
    return taken


# --- the product -------------------------------------------------------------------------------


def _paid(
    book: Path, account: Any, cashier: Any, checker: Any, turn: int
) -> tuple[dict[str, float], Any]:
    """Seconds until the preview and until the voucher; it is sent back, so that the next may pay."""
    from core import walls
    from funds.models import PaymentBatch
    from funds.services import batching, batching_files, posting

    with walls.scoped(cashier):
        order = batching.Order(account, ON, "测试文件", ON.year, "", f"bench-{turn}")
        with book.open("rb") as file:
            stored = batching_files.store(iter(lambda: file.read(1 << 20), b""))
        batch = batching.receive(order=order, file=stored, file_name=book.name, by=cashier)
    seconds = {"check": _job(batch)}
    with walls.scoped(cashier):
        batching.confirm(batch=batch, by=cashier)
    seconds["pay"] = _job(batch)
    found = PaymentBatch.objects.select_related("voucher").get(pk=batch.pk)
    if found.voucher is None:
        raise RuntimeError(f"not paid: {found.state} {found.refusal}")
    with walls.scoped(checker):
        posting.refuse(voucher=found.voucher, why="测试", by=checker)
    run("VACUUM ANALYZE funds_payment, funds_paymentclaim, funds_paymentbatchrow")
    return seconds, found


def _job(batch: Any) -> float:
    """What a worker does with the batch's job, in this process."""
    from core.jobs.models import Job, JobState
    from core.jobs.services import claim
    from core.jobs.tasks import carry_out

    batch.refresh_from_db()
    claimed = claim(batch.job_id)
    if claimed is None:
        raise RuntimeError("somebody else has the job")
    taken = timed(lambda: carry_out(claimed))
    done = Job.objects.get(pk=batch.job_id)
    if done.state != JobState.DONE:
        raise RuntimeError(f"{done.kind}: {done.state} {done.error}")
    return taken


def _person(name: str) -> Any:
    from accounts.enums import Role
    from accounts.models import Grant, User

    user = User(username=name, display_name=name)
    user.set_unusable_password()
    user.save()
    Grant.objects.create(
        user=user, role=Role.FINANCE, region_prefix="4103", valid_from=date(2016, 1, 1)
    )
    return user


def _allotment(cashier: Any, checker: Any) -> Any:
    """A hundred million yuan in the hands of an office of the city."""
    from funds.enums import AccountKind
    from funds.models import Account
    from funds.services import moving, posting, sources
    from villages.models import Region

    city, amount = Region.objects.get(code="410300000000"), Decimal(100_000_000)
    source = sources.announce(
        region=city, by=cashier,
        fields={
            "doc_no": "测〔2018〕1号", "title": "测试资金", "level": "CITY", "kind": "21",
            "year": ON.year, "issued_on": ON, "issuer": "测试", "amount": amount,
        },
    )  # fmt: skip

    def ground(key: str) -> posting.Ground:
        return posting.Ground(on=ON, reason="测试", document="测〔2018〕1号", key=key)

    arrived = moving.arrive(source=source, amount=amount, ground=ground("bench-1"), by=cashier)
    posting.approve(voucher=arrived, by=checker)
    pool = Account.objects.get(source=source, kind=AccountKind.POOL)
    shares = [moving.Share(city, amount, unit="市农业农村局")]
    allotted = moving.allocate(pool=pool, shares=shares, ground=ground("bench-2"), by=cashier)
    posting.approve(voucher=allotted, by=checker)
    return Account.objects.get(source=source, kind=AccountKind.ALLOTMENT)


@contextmanager
def uploads(folder: Path) -> Iterator[None]:
    """Files of the run lie in a folder of its own."""
    from django.test import override_settings

    place = folder / "uploads"
    with override_settings(UPLOAD_DIR=place):
        yield
    shutil.rmtree(place, ignore_errors=True)
