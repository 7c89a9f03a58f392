"""Source documents, accounts, vouchers and payments: an append-only double-entry ledger."""

from funds.models.batch import PaymentBatch, PaymentBatchRow, PaymentClaim, PayrollPerson
from funds.models.figure import MonthFigure, MonthFlow, MonthTotal
from funds.models.ledger import Account, ClosedYear, Entry, Voucher, VoucherCounter
from funds.models.loan import Loan, LoanEvent, LoanRule
from funds.models.payment import Payment, PaymentTotal
from funds.models.rule import DirtyFund, FundFinding, FundRule
from funds.models.source import Source, SourceChange

__all__ = [
    "Account",
    "ClosedYear",
    "DirtyFund",
    "Entry",
    "FundFinding",
    "FundRule",
    "Loan",
    "LoanEvent",
    "LoanRule",
    "MonthFigure",
    "MonthFlow",
    "MonthTotal",
    "Payment",
    "PaymentBatch",
    "PaymentBatchRow",
    "PaymentClaim",
    "PaymentTotal",
    "PayrollPerson",
    "Source",
    "SourceChange",
    "Voucher",
    "VoucherCounter",
]
