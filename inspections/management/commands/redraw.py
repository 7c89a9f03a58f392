"""Draw a round's sample again from its frozen frame and say whether it is the same."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from inspections.models import Round
from inspections.services.common import UnfitError
from inspections.services.sampling import certificate

DIFFERS, NOT_DRAWN = 1, 2


class Command(BaseCommand):
    help = (
        "按冻结的抽样框和种子重抽一轮评估的样本并比对：一致返回 0，不一致返回 1，没有抽取返回 2。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("round", type=int, help="轮次编号")
        parser.add_argument("--json", action="store_true", help="输出 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Round.objects.filter(pk=options["round"]).first()
        if found is None:
            raise CommandError("没有这一轮评估。", returncode=NOT_DRAWN)
        try:
            facts = certificate(found)
        except UnfitError as error:
            raise CommandError(str(error), returncode=NOT_DRAWN) from error
        if options["json"]:
            self.stdout.write(
                json.dumps({"round": found.pk, "agrees": facts.agrees, **asdict(facts)})
            )
        else:
            for label, value in (
                ("随机种子", facts.seed),
                ("算法版本", facts.algorithm),
                ("抽样框摘要", facts.frame_digest),
                ("抽样框现算", facts.frame_now),
                ("样本摘要", facts.sample_digest),
                ("重抽样本", facts.redrawn or "无法按现有抽样框重抽"),
                ("库内样本", facts.stored),
                ("样本村", f"{facts.villages} 个"),
                ("样本户", f"{facts.households} 户，候补 {facts.reserves} 户"),
            ):
                self.stdout.write(f"{label}：{value}")
        if not facts.agrees:
            raise CommandError("重抽结果与记录不一致。", returncode=DIFFERS)
        if not options["json"]:
            self.stdout.write("重抽结果与记录完全一致。")
