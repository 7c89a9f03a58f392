"""Whether answers fit a questionnaire; pure functions on the schema that is stored with its version."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

YES_NO = ("yes", "no", "unknown")


def faults(schema: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> list[str]:
    """What is wrong with the answers, in words; empty when they fit.

    "unknown" answers a yes-or-no item and is neither; it never counts as met. A required item left
    out is a fault, and so is an item that the questionnaire does not have.
    """
    items = {item["code"]: item for item in schema}
    found = [f"问卷中没有“{code}”这一问题。" for code in sorted(answers.keys() - items.keys())]
    for code, item in items.items():
        value = answers.get(code, "")
        if value in ("", None):
            if item.get("required"):
                found.append(f"“{item['label']}”没有回答。")
        elif fault := _fault(item, value):
            found.append(f"“{item['label']}”{fault}")
    return found


def _fault(item: Mapping[str, Any], value: Any) -> str:
    if not isinstance(value, str):
        return "应以文字提交。"
    if item["kind"] == "number":
        return _number_fault(item, value)
    if item["kind"] == "text":
        return "过长。" if len(value) > item.get("most", 500) else ""
    allowed = YES_NO if item["kind"] == "yesno" else tuple(item["choices"])
    return "" if value in allowed else "不在选项之中。"


def _number_fault(item: Mapping[str, Any], value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "不是数字。"
    least, most = item.get("least", 0), item.get("most", 10**9)
    if not number.is_finite() or not least <= number <= most:
        return f"应在 {least} 到 {most} 之间。"
    return ""


def parted(
    schema: Sequence[Mapping[str, Any]], answers: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Ordinary answers, and those that are sealed."""
    sealed = {item["code"] for item in schema if item.get("sensitive")}
    told = {code: value for code, value in answers.items() if value not in ("", None)}
    return (
        {code: value for code, value in told.items() if code not in sealed},
        {code: value for code, value in told.items() if code in sealed},
    )
