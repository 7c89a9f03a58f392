from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.fields import Secret
from core.history import tracked
from inspections.enums import Conclusion, Purpose, Reason, Subject
from inspections.models.common import RoundRowQuerySet, held_by, person
from inspections.models.round import Round
from inspections.models.sample import SampleHousehold


class OfSampleQuerySet(RoundRowQuerySet):
    sample_path = "sample_id"


def _round() -> "models.ForeignKey":
    return models.ForeignKey(
        Round, models.PROTECT, db_constraint=False, db_index=False, related_name="+",
        verbose_name="轮次",
    )  # fmt: skip


def _sample(related: str) -> "models.ForeignKey":
    return models.ForeignKey(
        SampleHousehold, models.PROTECT, related_name=related, verbose_name="样本户"
    )


class Questionnaire(models.Model):
    """What households of a type are asked, in one version; versions are never changed.

    `schema` is a list of items: code, label, kind (yesno, choice, number, text), and where they apply
    required, sensitive, choices, unit, least, most.
    """

    code = models.CharField("问卷", max_length=20)
    version = models.PositiveSmallIntegerField("版本")
    subject = models.CharField("类型", max_length=8, choices=Subject.choices)
    title = models.CharField("名称", max_length=60)
    schema = models.JSONField("问题")
    source = models.CharField("依据", max_length=300)

    class Meta:
        verbose_name = "调查问卷"
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="questionnaire_once"),
            models.CheckConstraint(condition=~Q(source=""), name="questionnaire_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


@tracked
class SurveyTask(models.Model):
    """A sample household entrusted to a surveyor; the only thing that lets them see it.

    A trigger refuses whoever held a grant in the assessed county in the assessed year or later, or
    whose account belongs to it, unless the county assesses itself.
    """

    round = _round()
    held_by = held_by()
    sample = _sample("tasks")
    # The scope that surveyors are sent to is told in codes of villages.
    village_code = models.CharField("村代码（冻结时）", max_length=12)
    purpose = models.CharField("目的", max_length=12, choices=Purpose.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="调查员"
    )
    created_by = person("分派人")
    created_at = models.DateTimeField("分派时间", db_default=Now())
    ended_at = models.DateTimeField("结束时间", null=True)

    objects = OfSampleQuerySet.as_manager()

    class Meta:
        verbose_name = "调查任务"
        constraints = [
            models.UniqueConstraint(
                fields=["sample", "purpose"],
                condition=Q(ended_at__isnull=True),
                name="survey_task_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("created_at")),
                name="survey_task_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.purpose}"


class Visit(models.Model):
    """A surveyor went to a sample household: when, where, and what came of it. Append-only.

    An empty `outcome` means that the household was met and answered; else why it was not.
    """

    round = _round()
    held_by = held_by()
    sample = _sample("visits")
    purpose = models.CharField("目的", max_length=12, choices=Purpose.choices)
    outcome = models.CharField("未完成原因", max_length=12, choices=Reason.choices, blank=True)
    visited_at = models.DateTimeField("入户时间")
    place = models.CharField("地点", max_length=200)
    surveyor = person("调查员")
    created_by = person("录入人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = OfSampleQuerySet.as_manager()

    class Meta:
        verbose_name = "入户"
        constraints = [
            # One household is met once for each purpose; it may be missed several times.
            models.UniqueConstraint(
                fields=["sample", "purpose"], condition=Q(outcome=""), name="visit_met_once"
            ),
            models.UniqueConstraint(
                fields=["id", "sample", "purpose"], name="visit_id_sample_purpose"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", *Reason.values], purpose__in=Purpose.values)
                & ~Q(place=""),
                name="visit_says_what_and_where",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.purpose}"


@tracked
class Answer(models.Model):
    """The answered questionnaire of a visit. Corrected with a reason, never deleted.

    One per household, questionnaire version and purpose. What is sensitive is sealed in `secret`.
    """

    round = _round()
    held_by = held_by()
    sample = _sample("answers")
    visit = models.OneToOneField(
        Visit, models.PROTECT, related_name="answer", db_constraint=False, verbose_name="入户"
    )
    purpose = models.CharField("目的", max_length=12, choices=Purpose.choices)
    questionnaire = models.ForeignKey(
        Questionnaire, models.PROTECT, db_index=False, related_name="+", verbose_name="问卷"
    )
    answers = models.JSONField("答案")
    secret = Secret("敏感答案", max_length=8000, sensitive=True)
    conclusion = models.CharField("结论", max_length=10, choices=Conclusion.choices)
    created_by = person("录入人")
    created_at = models.DateTimeField("记录时间", db_default=Now())

    objects = OfSampleQuerySet.as_manager()

    class Meta:
        verbose_name = "问卷答案"
        constraints = [
            models.UniqueConstraint(
                fields=["sample", "questionnaire", "purpose"], name="answer_once"
            ),
            models.CheckConstraint(
                condition=Q(conclusion__in=Conclusion.values), name="answer_has_a_conclusion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sample_id} {self.questionnaire_id}"
