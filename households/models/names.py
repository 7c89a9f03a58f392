from typing import Any

from django.db import models


class Hanzi(models.Model):
    """How one character is read: as a word, and as the surname that a name begins with.

    Readings are syllables without tones, ü written v, as people type them.
    """

    sign = models.CharField("字", max_length=1, primary_key=True)
    sound = models.CharField("读音", max_length=8)
    surname = models.CharField("作姓氏的读音", max_length=8)
    # Some families read their surname otherwise, and some people do not know how it is read.
    other = models.CharField("作姓氏的又读", max_length=8, blank=True)

    class Meta:
        verbose_name = "汉字读音"

    def __str__(self) -> str:
        return self.sign


class NameReading(models.Model):
    """A name that occurs in the register, with its first letters and its whole pinyin.

    Names repeat: the table has one row for each name, none of a person or a place, and triggers on
    the register fill it, a statement at a time. It says how a name is read, never whose it is.
    """

    name = models.CharField("姓名", max_length=60, primary_key=True)
    initials = models.CharField("拼音首字母", max_length=60)
    pinyin = models.CharField("全拼", max_length=400)
    # The same with the surname's second reading; empty where it has none.
    other_initials = models.CharField("又读首字母", max_length=60, blank=True)
    other_pinyin = models.CharField("又读全拼", max_length=400, blank=True)

    objects: Any = models.Manager()

    class Meta:
        verbose_name = "姓名读音"
        indexes = [
            models.Index(fields=["initials", "name"], name="name_by_initials"),
            models.Index(fields=["pinyin", "name"], name="name_by_pinyin"),
            models.Index(
                fields=["other_initials", "name"],
                condition=~models.Q(other_initials=""),
                name="name_by_other_initials",
            ),
            models.Index(
                fields=["other_pinyin", "name"],
                condition=~models.Q(other_pinyin=""),
                name="name_by_other_pinyin",
            ),
        ]

    def __str__(self) -> str:
        return self.name
