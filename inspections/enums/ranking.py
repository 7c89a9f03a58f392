"""Fixed words of the quarterly ranking: what counties can be scored by."""

from django.db.models import TextChoices


class Figure(TextChoices):
    """A figure of a county at the end of a quarter; letters, looks and days are those of the quarter."""

    CLOSING = "CLOSING", "销号率（％）"
    OVERDUE = "OVERDUE", "逾期率（％）"
    DAYS = "DAYS", "平均整改天数（天）"
    LETTERS = "LETTERS", "督办、问责文书率（％）"
    RELAPSE = "RELAPSE", "复查反弹率（％）"


# What the two integers of each are.
MEANING: dict[str, str] = {
    Figure.CLOSING: "季末已销号 / 全部问题",
    Figure.OVERDUE: "季末逾期未整改 / 全部问题",
    Figure.DAYS: "本季销号问题自发现至销号的天数 / 个数",
    Figure.LETTERS: "本季发出的督办函、建议函 / 全部问题",
    Figure.RELAPSE: "本季抽取复查中反弹的 / 复查的",
}
# Days are what they are; the others are shares.
PER_CENT: tuple[str, ...] = (Figure.CLOSING, Figure.OVERDUE, Figure.LETTERS, Figure.RELAPSE)
