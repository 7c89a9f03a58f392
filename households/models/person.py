from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.fields import (
    Amount,
    BlindIndex,
    Code,
    Count,
    Day,
    Secret,
    SecretCodes,
    TailIndex,
    Text,
    YesNo,
)
from core.history import deleted_found_by, tracked
from core.idnumbers import STORED
from core.scope import ScopedQuerySet
from households.enums import FEMALE, HEAD, MALE
from households.models.household import Household
from households.models.partition import Partition


class PersonQuerySet(ScopedQuerySet["Person"]):
    household_field = "household_id"

    def update(self, **kwargs: Any) -> int:
        """A number takes its indexes along; one made by an expression cannot, and is refused."""
        if "id_no" in kwargs and "id_index" not in kwargs:
            number = kwargs["id_no"]
            if number is not None and not isinstance(number, str):
                raise TypeError("the indexes of a document number need the number itself")
            for name in ("id_index", "id_tail"):
                kwargs[name] = self.model._meta.get_field(name).of(number or "")  # type: ignore[union-attr]
        return super().update(**kwargs)


@tracked
class Person(models.Model):
    """A registered person: who it is, for ever, and the household they belong to now.

    One row holds one current household, so two current memberships of one person cannot exist.
    The number is sealed; `id_index` finds it without opening any, by the first 18 characters because
    a disabled person's certificate number begins with the identity number. `id_tail` finds those
    whose number ends alike.
    """

    person_no = Text("人编号", max_length=20, unique=True, national="AAB001", blank=False)
    # (household, village_code) is one composite key onto the household: see the migration.
    household = models.ForeignKey(
        Household,
        models.PROTECT,
        db_constraint=False,
        related_name="persons",
        verbose_name="现所在户",
    )
    village_code = models.CharField("村代码", max_length=12)
    name = Text("姓名", max_length=60, national="AAB002", blank=False)
    sex = Code("性别", national="AAB003", table="sex")
    id_type = Code("证件类型", national="AAB018", table="id_document_type")
    id_no = Secret("证件号码", max_length=22, national="AAB004", sensitive=True, shape=STORED)
    id_index = BlindIndex("证件号码索引", source="id_no")
    id_tail = TailIndex("证件号码末四位索引", source="id_no")
    birth_date = Day("出生日期", national="AAB005")
    ethnicity = Code("民族", national="AAB007", table="ethnicity")
    identified_on = Day("人员识别时间")
    created_at = models.DateTimeField("登记时间", db_default=Now())

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = "贫困人口"
        constraints = [
            # NULL for blanks and placeholders, which many persons may have.
            models.UniqueConstraint(fields=["id_index"], name="person_one_per_number"),
            models.CheckConstraint(
                condition=Q(person_no__regex=r"^[0-9A-Za-z]{1,20}$"), name="person_no_text"
            ),
            models.CheckConstraint(condition=Q(sex__in=("", MALE, FEMALE)), name="person_sex"),
        ]
        indexes = [
            models.Index(fields=["id_tail"], name="person_id_tail"),
            models.Index(fields=["name", "household"], name="person_by_name"),
        ]

    def __str__(self) -> str:
        return self.person_no


class PersonYearQuerySet(ScopedQuerySet["PersonYear"]):
    household_field = "household_id"

    def in_year(self, partition: int) -> Self:
        return self.filter(partition_id=partition)

    def heads(self) -> Self:
        return self.filter(relation_to_head=HEAD)


@deleted_found_by("household_id")
@tracked
class PersonYear(models.Model):
    """Everything declared of a person for one year: relation, school, health, work, insurance."""

    # (partition, village_code, household) is one composite key onto the household's year.
    partition = models.ForeignKey(
        Partition, models.PROTECT, db_constraint=False, db_index=False, verbose_name="年度"
    )
    household = models.ForeignKey(
        Household,
        models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="member_years",
        verbose_name="贫困户",
    )
    village_code = models.CharField("村代码", max_length=12)
    person = models.ForeignKey(
        Person, models.PROTECT, db_index=False, related_name="years", verbose_name="人员"
    )

    relation_to_head = Code("与户主关系", national="AAB006", table="relation_to_head")
    education_level = Code("文化程度", national="AAB008", table="education_level")
    student_status = Code("在校生状况", national="AAB009", table="student_status")
    health_status = SecretCodes(
        "健康状况",
        national="AAB017",
        table="health_status",
        sensitive=True,
        salted_by="person.person_no",
    )
    labour_capacity = Code("劳动技能", national="AAB010", table="labour_capacity")
    work_area = Code("务工状况", national="AAB011", table="work_area")
    work_months = Amount("务工时间", national="AAB012", unit="月", max_digits=3, decimal_places=1)
    work_employer = Text("务工企业名称", max_length=100, national="AAB029")
    work_place = Text("务工所在地", max_length=100)
    works_abroad = YesNo("是否国外务工")
    industry_class = Text("产业分类", max_length=30)
    employment_channel = Code("就业渠道", table="employment_channel")
    public_post_type = Text("公益性岗位类型", max_length=30)
    public_post_months = Count("公益性岗位月数", unit="月")
    has_worked = YesNo("是否已务工")
    plans_to_work = YesNo("是否计划务工")
    service_need = Text("就业服务需求", max_length=200, db_default="")
    planned_county = Text("计划务工所在县", max_length=60, db_default="")
    in_resident_medical = YesNo("是否参加城乡居民基本医疗保险", national="AAB013")
    in_major_illness_insurance = YesNo("是否参加大病保险", national="AAB022")
    in_employee_medical = YesNo("是否参加城镇职工基本医疗保险")
    in_commercial_medical = YesNo("是否参加商业补充医疗保险", national="AAB067")
    in_resident_pension = YesNo("是否参加城乡居民基本养老保险", national="AAB014")
    in_employee_pension = YesNo("是否参加城镇职工基本养老保险")
    medical_aid_major = YesNo("是否接受大病医疗救助")
    health_help_other = YesNo("是否接受其他健康扶贫")
    has_dibao = YesNo("是否享受低保", national="AAB030")
    has_tekun = YesNo("是否特困供养人员")
    dropout_reason = Code("失学或辍学原因", table="dropout_reason")
    speaks_mandarin = YesNo("是否会讲普通话", national="AAB065")
    political_status = Code("政治面貌", national="AAK033", table="political_status")
    disability_type = Secret(
        "残疾类别", max_length=20, sensitive=True, salted_by="person.person_no"
    )
    disability_cert_year = Count("残疾证办证年度", unit="年")
    is_serviceman = YesNo("是否现役军人", national="AAB019")
    member_phone = Secret("成员联系电话", max_length=30, national="AAB031", sensitive=True)

    changed_at = models.DateTimeField("更新时间", db_default=Now())

    objects = PersonYearQuerySet.as_manager()

    class Meta:
        verbose_name = "贫困人口年度信息"
        constraints = [
            models.UniqueConstraint(fields=["person", "partition"], name="person_year_once"),
            models.UniqueConstraint(
                fields=["household", "partition"],
                condition=Q(relation_to_head=HEAD),
                name="person_year_one_head",
            ),
            models.CheckConstraint(
                condition=Q(work_months__isnull=True) | Q(work_months__gte=0, work_months__lte=12),
                name="person_year_work_months",
            ),
            models.CheckConstraint(
                condition=Q(public_post_months__isnull=True) | Q(public_post_months__lte=12),
                name="person_year_post_months",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partition", "village_code", "household"], name="person_year_scope"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.partition_id}"
