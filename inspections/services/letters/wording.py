"""What a letter says: the values of a template's fields, from the problems as they stand."""

from datetime import date
from typing import Any

from inspections.enums.letters import Kind
from inspections.models import Finding, Letter, LetterItem
from villages.formulas import short_name

# What a template may use, each with what stands there.
FIELDS: dict[str, str] = {
    "文书名称": "文书的名称",
    "编号": "〔年度〕号；签发以前为“草稿”",
    "县区": "县区名称",
    "责任单位": "发往的单位",
    "签发日期": "签发的日期",
    "答复期限": "答复的期限",
    "签发单位": "签发人的单位",
    "开头": "这种文书的开头语",
    "补充说明": "签发前填写的说明，可以为空",
    "问题数": "所列问题的个数",
    "问题清单": "所列问题，逐个列出",
}
# What each problem of the list has.
ITEM_FIELDS: dict[str, str] = {
    "序号": "从 1 起",
    "问题编号": "台账编号",
    "问题": "问题事实",
    "所在": "所在的村、乡镇或县",
    "责任人": "责任人姓名、职务",
    "整改期限": "整改的期限",
    "事由": "逾期、退回或上一份文书以后仍未整改",
}
NEEDED = ("编号", "责任单位", "答复期限", "问题清单")
DRAFT = "草稿"
OPENINGS: dict[str, str] = {
    Kind.REMIND: "经核对问题整改台账，下列由贵单位负责的问题到期没有完成整改，或者整改后被退回。"
    "请抓紧整改，并在答复期限以前书面答复整改情况。",
    Kind.SUPERVISE: "下列由贵单位负责的问题，发出整改提示函以后仍没有完成整改。现予督办，"
    "请主要负责人牵头，逐项落实整改，并在答复期限以前书面答复。",
    Kind.ACCOUNT: "下列问题经提示、督办仍没有完成整改。建议按照干部管理权限和有关规定，"
    "对责任单位和责任人的责任进行调查处理，并在答复期限以前告知处理意见。",
}


def said(letter: Letter) -> dict[str, Any]:
    """The values of the fields as things stand now; plain texts and numbers."""
    items = (
        LetterItem.objects.filter(letter=letter)
        .select_related("finding", "finding__region")
        .order_by("finding__number")
    )
    listed = [
        {
            "序号": at,
            "问题编号": item.finding.number,
            "问题": item.finding.fact,
            "所在": short_name(item.finding.region.name),
            "责任人": item.finding.duty_name,
            "整改期限": day(item.due_on),
            "事由": occasion(item, letter.issued_on or letter.prepared_on),
        }
        for at, item in enumerate(items, 1)
    ]
    return {
        "文书名称": letter.get_kind_display(),
        "编号": number(letter),
        "县区": letter.region.name,
        "责任单位": letter.unit,
        "签发日期": day(letter.issued_on) if letter.issued_on else DRAFT,
        "答复期限": day(letter.reply_due_on) if letter.reply_due_on else "签发时确定",
        "签发单位": getattr(letter.issued_by, "office", "") if letter.issued_by else "",
        "开头": OPENINGS[letter.kind],
        "补充说明": letter.words,
        "问题数": len(listed),
        "问题清单": listed,
    }


def number(letter: Letter) -> str:
    """The number as it stands on the letter (GB/T 9704-2012 sets the year in such brackets)."""
    return f"〔{letter.year}〕{letter.number} 号" if letter.number else DRAFT


def day(on: date) -> str:
    return f"{on.year} 年 {on.month} 月 {on.day} 日"


def occasion(item: LetterItem, on: date) -> str:
    """Why the problem stands in the letter, in words."""
    kind = item.occasion[:1]
    if kind == "R":
        return "整改被退回"
    late = f"逾期 {(on - item.due_on).days} 天"
    return f"上一份文书以后仍未整改，{late}" if kind == "L" else late


def findings(letter: Letter) -> list[Finding]:
    return [item.finding for item in letter.items.select_related("finding")]
