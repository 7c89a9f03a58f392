"""Does what is stored agree with what it derives from? Zero differences, or names."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection


@dataclass(frozen=True)
class Difference:
    """Where two figures that must be one are two; yuan."""

    what: str
    key: int
    stored: Decimal
    derived: Decimal


# Each statement finds rows whose stored figure is not what its parts add up to.
_STATEMENTS = {
    "账户余额": """
        SELECT a.id, a.balance, coalesce(e.amount, 0)
          FROM funds_account a LEFT JOIN (
               SELECT account_id, sum(e.amount) AS amount
                 FROM funds_entry e JOIN funds_voucher v ON v.id = e.voucher_id AND v.state = 'POSTED'
                GROUP BY account_id) e ON e.account_id = a.id
         WHERE a.balance <> coalesce(e.amount, 0)""",
    "下达金额": """
        SELECT a.id, -a.least, s.amount + coalesce(c.amount, 0)
          FROM funds_account a JOIN funds_source s ON s.id = a.source_id LEFT JOIN (
               SELECT source_id, sum(amount) AS amount FROM funds_sourcechange
                GROUP BY source_id) c ON c.source_id = s.id
         WHERE a.kind = 'OUTSIDE' AND -a.least <> s.amount + coalesce(c.amount, 0)""",
    "凭证分录": """
        SELECT v.id, v.amount, coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)
          FROM funds_voucher v LEFT JOIN funds_entry e ON e.voucher_id = v.id
         GROUP BY v.id
        HAVING coalesce(sum(e.amount), 1) <> 0 OR count(e.id) <> v.legs
            OR v.amount <> coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0)""",
    "支付合计": """
        SELECT t.id, t.amount, coalesce(p.amount, 0)
          FROM funds_paymenttotal t LEFT JOIN (
               SELECT voucher_id, account_id, sum(amount) AS amount, count(*) AS payments
                 FROM funds_payment GROUP BY voucher_id, account_id) p
               USING (voucher_id, account_id)
         WHERE t.amount <> coalesce(p.amount, 0) OR t.payments <> coalesce(p.payments, 0)""",
    "月度发生额": """
        SELECT a.id, a.balance, coalesce(m.net, 0)
          FROM funds_account a LEFT JOIN (
               SELECT account_id, sum(net) AS net FROM funds_monthflow
                GROUP BY account_id) m ON m.account_id = a.id
         WHERE a.balance <> coalesce(m.net, 0)""",
    "月度合计": """
        SELECT r.id, coalesce(t.net, 0), coalesce(m.net, 0)
          FROM (SELECT a.region_id, f.year, f.kind, f.month, sum(f.net) AS net
                  FROM funds_monthflow f JOIN funds_account a ON a.id = f.account_id
                 GROUP BY 1, 2, 3, 4) AS m
          FULL JOIN (SELECT region_id, year, kind, month, sum(net) AS net
                       FROM funds_monthtotal GROUP BY 1, 2, 3, 4) AS t
               USING (region_id, year, kind, month)
          JOIN villages_region r ON r.id = region_id
         WHERE coalesce(t.net, 0) <> coalesce(m.net, 0)""",
    "凭证号": """
        SELECT c.id, c.last, coalesce(v.numbers, 0)
          FROM funds_vouchercounter c LEFT JOIN (
               SELECT region_code, year, count(*) AS numbers, max(number) AS highest
                 FROM funds_voucher WHERE state = 'POSTED' GROUP BY region_code, year) v
               USING (region_code, year)
         WHERE c.last <> coalesce(v.numbers, 0) OR c.last <> coalesce(v.highest, 0)""",
}


def differences() -> list[Difference]:
    """Everything in the caller's scope that does not agree; an empty list is a reconciled ledger."""
    found = []
    with connection.cursor() as cursor:
        for what, statement in _STATEMENTS.items():
            cursor.execute(statement)
            found += [Difference(what, *row) for row in cursor.fetchall()]
    return found
