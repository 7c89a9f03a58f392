"""Logins for trying the product out; their passwords are made here and kept beside the data."""

from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, User
from accounts.roles import ADMINISTRATORS
from accounts.signin.policy import random_password


class Actor(NamedTuple):
    """One login of the demo city; every role has at least one."""

    username: str
    name: str
    office: str
    role: Role
    region: str
    department: str = ""


# The administrators first: the security administrator grants the others' roles.
CAST = (
    Actor("xitong", "系统管理员", "洛阳市扶贫办", Role.SYSTEM_ADMIN, "4103"),
    Actor("anquan", "安全管理员", "洛阳市扶贫办", Role.SECURITY_ADMIN, "4103"),
    Actor("shenji", "审计管理员", "洛阳市扶贫办", Role.AUDIT_ADMIN, "4103"),
    Actor("shilingdao", "市领导", "洛阳市", Role.LEADER, "4103"),
    Actor("shifupinban", "市扶贫办", "洛阳市扶贫办", Role.CITY_OFFICE, "4103"),
    Actor("pinggu", "市评估办", "洛阳市扶贫办", Role.CITY_OFFICE, "4103"),
    Actor("xiangmu", "市项目办", "洛阳市扶贫办", Role.CITY_OFFICE, "4103"),
    Actor("xianfupinban", "栾川扶贫办", "栾川县扶贫办", Role.COUNTY_OFFICE, "410324"),
    Actor("luanchuan", "栾川数据员", "栾川县扶贫办", Role.COUNTY_CLERK, "410324"),
    Actor("songxian", "嵩县数据员", "嵩县扶贫办", Role.COUNTY_CLERK, "410325"),
    Actor("chengguan", "乡镇数据员", "栾川县城关镇政府", Role.TOWN_CLERK, "410324100"),
    Actor("diyishuji", "第一书记", "栾川县城关镇", Role.VILLAGE, "410324100203"),
    Actor("cunwei", "村委会", "栾川县城关镇", Role.VILLAGE, "410324100203"),
    Actor("bangfu", "帮扶责任人", "栾川县水利局", Role.HELPER, "410324"),
    Actor("jiaoyuju", "市教育局", "洛阳市教育局", Role.DEPARTMENT, "4103", "洛阳市教育局"),
    Actor("zijin", "资金管理员", "洛阳市扶贫办", Role.FINANCE, "4103"),
    # Money takes two persons in every office that books it.
    Actor("fuhe", "资金复核员", "洛阳市财政局", Role.FINANCE, "4103"),
    Actor("luanchuancw", "栾川财务", "栾川县扶贫办", Role.FINANCE, "410324"),
    Actor("luanchuanfh", "栾川复核", "栾川县财政局", Role.FINANCE, "410324"),
    Actor("yiyangcw", "宜阳财务", "宜阳县扶贫办", Role.FINANCE, "410327"),
    Actor("yiyangfh", "宜阳复核", "宜阳县财政局", Role.FINANCE, "410327"),
    Actor("luoningcw", "洛宁财务", "洛宁县扶贫办", Role.FINANCE, "410328"),
    Actor("luoningfh", "洛宁复核", "洛宁县财政局", Role.FINANCE, "410328"),
    Actor("yichuancw", "伊川财务", "伊川县扶贫办", Role.FINANCE, "410329"),
    Actor("yichuanfh", "伊川复核", "伊川县财政局", Role.FINANCE, "410329"),
    Actor("ducha", "督查员", "洛阳市督查组", Role.INSPECTOR, "4103"),
    Actor("fucha", "复查员", "孟津县统计局", Role.INSPECTOR, "4103"),
    Actor("diaochayuan", "调查员", "偃师市统计局", Role.INSPECTOR, "4103"),
    Actor("xinfang", "信访专员", "栾川县信访局", Role.PETITION, "410324"),
    Actor("shenjiju", "审计人员", "洛阳市审计局", Role.AUDITOR, "4103"),
)


class Command(BaseCommand):
    help = "创建演示账号；口令在首次运行时生成，存于数据目录。"

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.VAR_DIR) / "demo_logins.txt"
        known = set(User.objects.values_list("username", flat=True))
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        missing = [actor for actor in CAST if actor.username not in known]
        for actor in missing:
            password = random_password()
            _make(actor, password)
            lines = [line for line in lines if not line.startswith(f"{actor.username} ")]
            lines.append(
                f"{actor.username} {password} {actor.name}（{actor.role.label}，{actor.region}）"
            )
        if missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.stdout.write("\n".join(lines))


@transaction.atomic
def _make(actor: Actor, password: str) -> None:
    user = User(
        username=actor.username,
        display_name=actor.name,
        office=actor.office,
        home_prefix=actor.region,
    )
    user.set_password(password)
    user.save()
    today = timezone.localdate()
    # As the product would have it; an installation without this administrator stays usable.
    grantor = None
    if actor.role not in ADMINISTRATORS:
        grantor = User.objects.filter(
            username="anquan",
            pk__in=Grant.objects.valid_on(today)
            .filter(role=Role.SECURITY_ADMIN, region_prefix="4103")
            .values("user"),
        ).first()
    Grant.objects.create(
        user=user,
        role=actor.role,
        region_prefix=actor.region,
        department=actor.department,
        valid_from=today,
        reason="演示账号",
        granted_by=grantor,
    )
