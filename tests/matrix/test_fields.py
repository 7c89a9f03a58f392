"""Sensitive fields × every kind of person × every way out of the product, with canary persons.

Three households, each with values that stand nowhere else, are asked for by everybody through every
channel. `MAY_SEE` says by hand who may see which field in clear where; nobody may see it elsewhere,
nor in another spelling. What nobody asks for is looked through afterwards: log, Redis, job rows,
sessions, the database's own text.
"""

import base64
import html
import json
import logging
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import redis
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.clients import services as clients
from accounts.enums import Role
from accounts.models import ClientKey, MachineClient
from accounts.signin.session_store import SessionStore
from core.acting import acting
from core.cache import cache_address
from core.exports import services as exports
from core.exports.models import ExportFile, ExportRelease
from core.jobs.services import claim
from core.jobs.tasks import carry_out
from core.sharing import PERSONAL, FieldGroup, Resource
from core.workbooks.writing import XLSX
from households.catalog import _labels
from households.models import Assignment, CodeEntry, Household, HouseholdYear, Person, PersonYear
from imports import services as imports
from imports.models import Batch
from tests.conftest import person
from tests.factories.households import household, id_no
from tests.factories.villages import RegionFactory
from tests.imports.test_sealing import dump
from tests.leaks import text_of
from tests.matrix.subjects import COUNTY, NEIGHBOUR, OTHER_TOWN, SUBJECTS, VILLAGE
from tests.matrix.world import build
from tests.register import city, stage
from tests.workbooks import build as workbook
from tests.workbooks import id_number, member

__all__ = ["city", "stage"]

Stage = Callable[..., Batch]

pytestmark = [
    pytest.mark.django_db, pytest.mark.may_show_numbers("who may see them is what is tested"),
]  # fmt: skip

OF_HOUSEHOLD = ("head_id_no", "phone", "bank_account")
OF_MEMBER = ("id_no", "member_phone", "health_status", "disability_type")
FIELDS = (*OF_HOUSEHOLD, *OF_MEMBER, "problem")
FULL_CLIENT = "client with all groups"

# --- the reviewed table -----------------------------------------------------------------------

REVEALERS = frozenset({"town_clerk", "county_clerk", "county_office", "city_office", "auditor"})
# (channel, field) → who sees it in clear, inside the own region. What is not here nobody sees.
MAY_SEE: dict[tuple[str, str], frozenset[str]] = {
    **{("reveal of the household", name): REVEALERS for name in OF_HOUSEHOLD},
    **{("reveal of the member", name): REVEALERS for name in OF_MEMBER},
    # The head's own number stands in the list, not the one that the household declares.
    **{("released export", name): REVEALERS for name in ("id_no", "phone")},
    **{
        (channel, name): frozenset({FULL_CLIENT})
        for channel in ("API lists", "API records", "API chosen fields")
        for name in (*OF_HOUSEHOLD, *OF_MEMBER)
        # As in the list: where there is a head among the members, it is that one's number.
        if name != "head_id_no"
    },
}

# A workbook goes back, as it came, to those who may load into the region it was loaded into.
LOADERS = frozenset({"county_clerk", "county_office", "city_office"})
HANDED_BACK, IN_THE_WORKBOOK = "workbook handed back", ("id_no",)

# --- canaries ---------------------------------------------------------------------------------


@dataclass
class Canary:
    """A household of one person; `now` is what stands there, `never` what stood there before or
    waits in a workbook, which no channel shows to anybody."""

    number: int
    place: str
    county: str
    now: dict[str, str] = field(default_factory=dict)
    never: dict[str, list[str]] = field(default_factory=dict)
    household_no: str = ""
    person_no: str = ""
    batch: int = 0
    returned: int = 0

    def __post_init__(self) -> None:
        n = self.number
        born = date(1931 + n, 7, 19 + n)
        self.now = {
            "id_no": id_no(417 + n, born),
            "head_id_no": id_no(529 + n, born),
            "phone": f"1997362{n}518",
            "member_phone": f"1986251{n}407",
            "bank_account": f"990853176{n}4203968571",
            "health_status": f"雀鸣病{n}型",
            "disability_type": f"雀鸣障{n}类",
        }
        self.never = {
            "id_no": [id_no(631 + n, born)],
            "head_id_no": [id_no(743 + n, born)],
            "phone": [f"1975140{n}396", f"1964039{n}285"],
            "member_phone": [f"1953928{n}174"],
            "bank_account": [f"990742065{n}3192857460"],
            "health_status": [f"旧雀症{n}期"],
            "disability_type": [f"旧雀障{n}类"],
            # A number that is none, one in the wrong column, a telephone that is none.
            "problem": [
                f"{id_number(85 + n, '19440612')[:17]}A", id_number(95 + n, "19550823"), f"668137{n}9",
            ],
        }  # fmt: skip

    def clear(self, name: str) -> list[str]:
        return [*filter(None, [self.now.get(name)]), *self.never.get(name, [])]


def settle(canary: Canary) -> None:
    """Put the canary into the register, with other values first, so that there is a history."""
    for code, label in enumerate((canary.now["health_status"], canary.never["health_status"][0])):
        CodeEntry.objects.create(
            table="health_status", code=f"X{canary.number}{code}", label=label, source="测试"
        )
    before = {name: values[0] for name, values in canary.never.items()}
    row = household(
        code=canary.place, members=1, head=f"何雀{canary.number}",
        **{name: before[name] for name in OF_HOUSEHOLD},
    )  # fmt: skip
    _declare(row, before, f"X{canary.number}1")
    with acting(by=None, reason="更正"):
        HouseholdYear.objects.filter(pk=row.pk).update(
            **{name: canary.now[name] for name in OF_HOUSEHOLD}
        )
        _declare(row, canary.now, f"X{canary.number}0")
    canary.household_no = row.household.household_no
    canary.person_no = row.household.persons.get().person_no


def _declare(row: HouseholdYear, facts: dict[str, str], health: str) -> None:
    one = Person.objects.get(household=row.household_id)
    one.id_no = facts["id_no"]
    one.save()
    year = PersonYear.objects.get(person=one)
    year.member_phone, year.disability_type = facts["member_phone"], facts["disability_type"]
    year.health_status = [health]
    year.save()


def rows_of(canary: Canary) -> list[dict[str, Any]]:
    """A workbook that would change the canary's telephone, with rows that have problems below."""
    wrong, misplaced, landline = canary.never["problem"]
    place = {"行政县": canary.county}
    known = {"户编号": canary.household_no, "人编号": canary.person_no, "人数": "1"}
    later = {"联系电话": canary.never["phone"][1], "健康状况": canary.never["health_status"][0]}
    return [
        member(1, 1, **place, **known, 证件号码=canary.now["id_no"], **later),
        member(3, 2, **place, 证件号码=wrong), member(5, 3, **place, 务工时间=misplaced),
        member(7, 4, **place, 联系电话=landline),
    ]  # fmt: skip


# --- finding a value again, however it is spelt -------------------------------------------------


def spellings(value: str, *, whole: bool = False) -> Iterator[str]:
    """The value as it stands in a text without spaces; `whole` leaves out what is short."""
    yield value
    yield value[::-1]
    yield value.encode().hex()
    yield base64.b64encode(value.encode()).decode().rstrip("=")
    yield from {quote(value), quote_plus(value)} - {value}
    if not whole and len(value) > 10:
        yield value[-8:]


def flat(text: str) -> str:
    """Without full-width forms, entities, spaces and the strokes that numbers are grouped by."""
    text = unicodedata.normalize("NFKC", html.unescape(text))
    return re.sub(r"[\s\-·]", "", text)


class Searcher:
    """Knows all spellings of all canaries' values and finds them in one pass."""

    def __init__(self, canaries: list[Canary], *, whole: bool = False) -> None:
        self.known: dict[str, tuple[Canary, str, bool]] = {}
        for canary in canaries:
            for name in FIELDS:
                for value in canary.clear(name):
                    is_now = value == canary.now.get(name)
                    for spelt in spellings(value, whole=whole):
                        self.known[spelt] = (canary, name, is_now)
        words = sorted(self.known, key=len, reverse=True)
        self.pattern = re.compile("|".join(re.escape(word) for word in words))

    def find(self, text: str) -> set[tuple[int, str, bool]]:
        """(canary, field, whether it is the value of today) of everything in the text."""
        found = (self.known[hit] for hit in self.pattern.findall(flat(text)))
        return {(canary.number, name, is_now) for canary, name, is_now in found}


# --- who asks ---------------------------------------------------------------------------------


class Asker:
    """A browser or a key; remembers what came back."""

    def __init__(self, name: str, client: Client, region: str, user: Any = None) -> None:
        self.name, self.client, self.region, self.user = name, client, region, user
        client.raise_request_exception = False
        self.heard: list[str] = []
        self.statuses: set[int] = set()

    def get(self, path: str, terms: dict[str, Any] | None = None) -> Any:
        return self._keep(self.client.get(path, terms or {}))

    def post(self, path: str, data: dict[str, Any]) -> Any:
        return self._keep(self.client.post(path, data))

    def _keep(self, answer: Any) -> Any:
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        lines = [f"{name}: {value}" for name, value in answer.items() if name != "Location"]
        self.heard += [*lines, text_of(body, answer.get("Content-Type", ""))]
        self.statuses.add(answer.status_code)
        return answer

    def take(self) -> str:
        text, self.heard = "\n".join(self.heard), []
        return text


# --- channels: each asks for everything it can -------------------------------------------------

Channel = Callable[[Asker, list[Canary]], None]
API = "/api/v1/"
LISTS = (reverse("households:list"), reverse("households:persons"))
MASKED = {"numbers": "masked", "purpose": "核对贫困户名单"}


def _page(asker: Asker, canaries: list[Canary]) -> None:
    """The household with its history, which is also what is printed."""
    for one in canaries:
        asker.get(reverse("households:detail", args=[one.household_no]), {"year": 2018})
        asker.post(
            reverse("ledger:printed"),
            {"page": reverse("households:detail", args=[one.household_no])},
        )


def _lists(asker: Asker, canaries: list[Canary]) -> None:
    for path in (*LISTS, reverse("households:export"), reverse("dashboards:home")):
        asker.get(path, {"year": 2018})
    for path in LISTS:
        asker.get(path, {"year": 2018, "q": "何雀"})


def _masked_exports(asker: Asker, canaries: list[Canary]) -> None:
    for file_format in ("xlsx", "csv"):
        asker.post(
            f"{reverse('households:export')}?year=2018", {**MASKED, "file_format": file_format}
        )


def _released_exports(asker: Asker, canaries: list[Canary]) -> None:
    """Full numbers are asked for; a second person releases whatever was asked."""
    second = person(f"复核{asker.name}", Role.CITY_OFFICE, "4103")
    for file_format in ("xlsx", "csv"):
        order = {"numbers": "full", "purpose": "核对贫困户名单", "file_format": file_format}
        asker.post(f"{reverse('households:export')}?year=2018", order)
        release = ExportRelease.objects.filter(asked_by=asker.user, state="ASKED").first()
        if release is None:
            continue
        asker.post(reverse("exports:use", args=[release.pk]), {})
        assert not ExportFile.objects.filter(release=release).exists(), "used before its release"
        exports.release(release=release, by=second)
        asker.post(reverse("exports:use", args=[release.pk]), {})
        file = ExportFile.objects.get(release=release)
        run = claim(file.job_id)
        assert run is not None
        carry_out(run)
        asker.get(reverse("exports:download", args=[file.pk]))
    asker.get(reverse("exports:list"))


def _others_exports(asker: Asker, canaries: list[Canary]) -> None:
    for file in ExportFile.objects.filter(is_full=True).exclude(asked_by=asker.user)[:2]:
        asker.get(reverse("exports:download", args=[file.pk]))


def _preview(asker: Asker, canaries: list[Canary]) -> None:
    for one in canaries:
        if one.batch:
            for name in ("batch", "problems", "changes", "columns", "raw", "undo"):
                asker.get(reverse(f"imports:{name}", args=[one.batch]))
            rules = Batch.objects.get(pk=one.batch).problems.values_list("rule", flat=True)
            for rule in sorted(set(rules)):
                asker.get(reverse("imports:problems", args=[one.batch]), {"rule": rule})
            for verdict in ("created", "updated", "unchanged", "rejected"):
                for kind in ("households", "persons"):
                    terms = {"kind": kind, "verdict": verdict}
                    asker.get(reverse("imports:rows", args=[one.batch]), terms)
            for text in (
                "何梅德",
                one.now["id_no"],
                one.never["phone"][1],
                one.never["problem"][1],
            ):
                asker.post(reverse("imports:raw", args=[one.batch]), {"text": text})
            asker.get(reverse("imports:columns", args=[one.batch]), {"header_row": 2})
            asker.get(reverse("api:import-detail", args=[one.batch]))
            asker.get(reverse("api:import-problems", args=[one.batch]))
    asker.get(reverse("imports:list"))
    asker.get(reverse("api:import-list"))
    asker.get(reverse("jobs:list"))


def _handed_back(asker: Asker, canaries: list[Canary]) -> None:
    for one in canaries:
        if one.returned:
            asker.get(reverse("imports:returned", args=[one.batch, one.returned]))


def _ledger(asker: Asker, canaries: list[Canary]) -> None:
    asker.get(reverse("ledger:list"))
    for one in canaries:
        asker.get(reverse("ledger:list"), {"subject": one.household_no})
    asker.get(reverse("ledger:day", args=[timezone.localdate()]))
    asker.get(reverse("ledger:user", args=[asker.user.pk if asker.user else 1]))
    asker.get(reverse("accounts:me"))


def _api_lists(asker: Asker, canaries: list[Canary]) -> None:
    for name in ("households", "persons", "snapshots", "regions"):
        asker.get(f"{API}{name}/", {"count": 1})


def _api_records(asker: Asker, canaries: list[Canary]) -> None:
    for one in canaries:
        asker.get(f"{API}households/{one.household_no}/")
        asker.get(f"{API}persons/{one.person_no}/")


def _api_fields(asker: Asker, canaries: list[Canary]) -> None:
    names = (*OF_HOUSEHOLD, *OF_MEMBER, "health_status_labels", "id_index", "id_tail")
    for name in names if asker.user is None else names[:1]:
        for resource in ("households", "persons"):
            asker.get(f"{API}{resource}/", {"fields": name})


def _errors(asker: Asker, canaries: list[Canary]) -> None:
    """Values in requests that fail: what was sent must not come back, in an answer or elsewhere."""
    own, foreign = canaries[0], canaries[2]
    for value in (own.now["id_no"], own.now["disability_type"], foreign.now["bank_account"]):
        asker.get(reverse("households:detail", args=[value]))
        asker.get("/nowhere/", {"id": value})
        asker.post(LISTS[0], {"id": value})
        asker.post(reverse("accounts:user-new"), {"places": "", "x": value})
        asker.get(f"{API}households/{value}/")
        asker.get(f"{API}households/", {"region": value, "cursor": value, "limit": value})
    for path in (*LISTS, reverse("households:export"), f"{API}persons/"):
        asker.get(path, {"q": own.now["id_no"]})
    words = {"year": 2018, "whom": "household", "purpose": "VISIT", "words": own.now["id_no"]}
    asker.post(reverse("households:reveal", args=[own.household_no]), words)


def _reveal(whom: str) -> Channel:
    def channel(asker: Asker, canaries: list[Canary]) -> None:
        (one,) = canaries
        data = {"year": 2018, "purpose": "VISIT", "words": "入户核对证件"}
        chosen = "household" if whom == "household" else one.person_no
        asker.post(reverse("households:reveal", args=[one.household_no]), {**data, "whom": chosen})

    return channel


CHANNELS: dict[str, Channel] = {
    "page, history and print": _page,
    "lists": _lists,
    "masked export": _masked_exports,
    "released export": _released_exports,
    "exports of others": _others_exports,
    "import preview and jobs": _preview,
    HANDED_BACK: _handed_back,
    "API lists": _api_lists,
    "API records": _api_records,
    "API chosen fields": _api_fields,
    "error answers": _errors,
    "ledger": _ledger,
}
ONE_RECORD: dict[str, Channel] = {
    "reveal of the household": _reveal("household"),
    "reveal of the member": _reveal("member"),
}


# --- the world --------------------------------------------------------------------------------


@pytest.fixture
def canaries(city: None) -> Iterator[list[Canary]]:
    yield [
        Canary(1, VILLAGE, "栾川县"), Canary(2, OTHER_TOWN, "栾川县"), Canary(3, NEIGHBOUR, "嵩县"),
    ]  # fmt: skip
    _labels.cache_clear()


@pytest.fixture
def askers(
    canaries: list[Canary],
    stage: Stage,
    api_key: Callable[[str], str],
    as_user: Callable[[Any], Client],
) -> list[Asker]:
    """Everybody of the matrix, and a client that was granted all there is."""
    world = build(api_key)
    RegionFactory(code=f"{OTHER_TOWN[:9]}000", name="冷水镇")
    for one in canaries:
        settle(one)
        if one.place != OTHER_TOWN:
            batch = stage(rows_of(one), region=one.place[:6])
            one.batch = batch.pk
            file = imports.request_return(batch=batch, kind="WHOLE", by=None)
            run = claim(file.job_id)
            assert run is not None
            carry_out(run)
            one.returned = file.pk
    _labels.cache_clear()
    found = []
    for subject in SUBJECTS:
        user = world.users.get(subject.name)
        if subject.entrusted:
            home = Household.objects.get(household_no=canaries[0].household_no)
            Assignment.objects.create(
                household=home, village_code=VILLAGE, user=user, reason="帮扶"
            )
        if subject.by == "key":
            client = _calling(world.keys[subject.name])
        else:
            client = as_user(user) if user else Client()
        found.append(Asker(subject.name, client, subject.region, user))
    return [*found, Asker(FULL_CLIENT, _calling(_full_key(api_key(COUNTY))), COUNTY)]


def _calling(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"})


def _full_key(key: str) -> str:
    """The key's client is given every group of fields, by two persons."""
    first, second = (person(f"安全{n}", Role.SECURITY_ADMIN, "4103") for n in (1, 2))
    client: MachineClient = ClientKey.objects.get(start=key[:8]).client
    wish = clients.Wish(COUNTY, frozenset(FieldGroup))
    wishes = {
        one: wish if one in PERSONAL else clients.Wish(COUNTY, frozenset()) for one in Resource
    }
    for waiting in clients.set_scopes(client=client, wishes=wishes, by=first):
        clients.confirm(grant=waiting, by=second)
    return key


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Everything that any logger said, whatever its level."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="factory")
    lines: list[str] = []
    make = logging.getLogRecordFactory()

    def kept(*args: Any, **more: Any) -> logging.LogRecord:
        record = make(*args, **more)
        lines.append(f"{record.name} {record.getMessage()} {record.exc_info or ''}")
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", kept)
    return lines


# --- the tests --------------------------------------------------------------------------------


def expected(channel: str, name: str, asker: Asker, canary: Canary) -> bool:
    """Whether the table lets this person see this field of this canary there."""
    if channel == HANDED_BACK:
        return name in IN_THE_WORKBOOK and may_fetch(asker, canary)
    return asker.name in MAY_SEE.get((channel, name), ()) and canary.place.startswith(asker.region)


def may_fetch(asker: Asker, canary: Canary) -> bool:
    """Whether this person may load into the county that the canary's workbook was loaded into."""
    return bool(
        asker.name in LOADERS and canary.returned and canary.place[:6].startswith(asker.region)
    )


def wrong_cells(
    channel: str, asker: Asker, text: str, searcher: Searcher, canaries: list[Canary],
    about: Canary | None = None,
) -> Iterator[str]:  # fmt: skip
    """What was seen against the table, and what should have been seen but was not."""
    found = searcher.find(text)
    for canary in canaries:
        for name in FIELDS:
            may = expected(channel, name, asker, canary) and about in (None, canary)
            sees = (canary.number, name, True) in found
            if sees != may:
                yield f"{channel}: {asker.name} {'sees' if sees else 'misses'} {name} {canary.number}"
            handed_back = channel == HANDED_BACK and may_fetch(asker, canary)
            if (canary.number, name, False) in found and not handed_back:
                yield f"{channel}: {asker.name} sees an old or staged {name} {canary.number}"


def test_field_matrix(
    askers: list[Asker],
    canaries: list[Canary],
    said: list[str],
    capsys: pytest.CaptureFixture[str],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    searcher, wrong, cells = Searcher(canaries), [], 0
    for asker in askers:
        # Background work is really sent to Redis.
        with django_capture_on_commit_callbacks(execute=True):
            for name, channel in CHANNELS.items():
                channel(asker, canaries)
                wrong += wrong_cells(name, asker, asker.take(), searcher, canaries)
                cells += len(FIELDS) * len(canaries)
            for name, channel in ONE_RECORD.items():
                for one in canaries:
                    channel(asker, [one])
                    wrong += wrong_cells(name, asker, asker.take(), searcher, canaries, one)
                    cells += len(FIELDS) * len(canaries)
            _upload(asker, canaries[0])
    # The product may have nothing to say; a line of our own shows that it would have been heard.
    logging.getLogger("core.web").info("field matrix")
    deaf = Searcher(canaries, whole=True)
    for name, text in traces(said).items():
        assert text, name
        wrong += [f"{name}: tells {found}" for found in deaf.find(text)]
        cells += len(FIELDS) * len(canaries)
    with capsys.disabled():
        sys.stdout.write(f"\n字段矩阵：{cells} 格，{len(askers)} 种人\n")
    assert wrong == [], f"{len(wrong)}:\n" + "\n".join(wrong[:60])
    # Everybody was heard: pages for readers, refusals for others, and one server error for nobody.
    assert not {status for asker in askers for status in asker.statuses if status >= 500}


def _upload(asker: Asker, canary: Canary) -> None:
    """A workbook comes in through the page: its job is what Redis hears of it."""
    file = SimpleUploadedFile("名单.xlsx", workbook(rows_of(canary)), content_type=XLSX)
    data = {"partition": 2018, "region": asker.region, "file": file}
    asker.client.post(reverse("imports:upload"), data)


def traces(said: list[str]) -> dict[str, str]:
    """What all of this left behind, by where."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(string_agg(j::text, ' '), '') FROM core_job j")
        jobs = cursor.fetchone()[0]
    store = SessionStore()
    sessions = [store.decode(row.session_data) for row in Session.objects.all()]
    return {
        "log": "\n".join(said),
        "Redis": redis_text(),
        "job rows": jobs,
        "sessions": json.dumps(sessions, ensure_ascii=False),
        # Code lists name illnesses; whose they are stands in the register.
        "database": "\n".join(
            line
            for line in dump().splitlines()
            if not line.startswith("public.households_codeentry ")
        ),
    }


def redis_text() -> str:
    """All keys and values, messages to workers with their bodies opened."""
    server = redis.Redis.from_url(cache_address(settings.REDIS_URL))
    read = {
        b"string": lambda key: [server.get(key)],
        b"list": lambda key: server.lrange(key, 0, -1),
        b"set": server.smembers,
        b"zset": lambda key: server.zrange(key, 0, -1),
        b"hash": lambda key: [part for pair in server.hgetall(key).items() for part in pair],
    }
    found = []
    for key in server.scan_iter():
        found.append(key)
        found += [value for value in read[server.type(key)](key) if value]
    texts = [value.decode("utf-8", "replace") for value in found]
    for text in list(texts):
        with suppress(ValueError, TypeError, KeyError):
            texts.append(base64.b64decode(json.loads(text)["body"]).decode())
    return "\n".join(texts)


def test_work_really_went_through_redis(
    askers: list[Asker],
    canaries: list[Canary],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    """What the matrix looks for in Redis would be found there."""
    clerk = next(one for one in askers if one.name == "county_clerk")
    with django_capture_on_commit_callbacks(execute=True):
        _upload(clerk, canaries[0])
    job = Batch.objects.latest("id").job_id
    assert f'"job_id": {job}' in redis_text()


def test_a_server_error_tells_nothing(
    askers: list[Asker], canaries: list[Canary], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value in the address, the query, the form and a variable: not in the answer or the log."""

    def broken(number: str, *_: Any) -> None:
        raise RuntimeError("broken")

    for place in ("households.queries.sheet.years_of", "households.views.record._revealable"):
        monkeypatch.setattr(place, broken)
    monkeypatch.setattr("api.views.HouseholdView.retrieve_one", broken)
    searcher, statuses = Searcher(canaries), set()
    for asker in (one for one in askers if one.name in ("county_clerk", "client")):
        for value in (canaries[0].now["id_no"], canaries[2].now["phone"]):
            for path in (
                reverse("households:detail", args=[value]),
                reverse("api:household-detail", args=[value]),
            ):
                asker.get(path, {"id": value})
            path = reverse("households:reveal", args=[value])
            asker.post(path, {"year": 2018, "words": value})
        statuses |= asker.statuses
        assert searcher.find(asker.take()) == set()
    assert 500 in statuses
    assert searcher.find("\n".join(said)) == set()


# --- the matrix can fail ----------------------------------------------------------------------


@pytest.mark.parametrize("name", FIELDS)
def test_every_spelling_is_found(name: str) -> None:
    canary = Canary(1, VILLAGE, "栾川县")
    for value in canary.clear(name):
        grouped = " ".join(re.findall(".{1,4}", value))
        wide = value.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
        forms = [value, grouped, wide, value[::-1], value.encode().hex(), quote(value)]
        forms += [f"尾号{value[-8:]}"] if len(value) > 10 else []
        for form in forms:
            found = Searcher([canary]).find(f"<td>{form}</td>")
            assert {(number, which) for number, which, _ in found} == {(1, name)}, form


def test_a_planted_leak_is_noticed(
    askers: list[Asker], canaries: list[Canary], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page, an export and an API that forgot to mask are told on."""
    for module in ("households.queries.rows", "households.queries.sheet", "households.workbooks"):
        monkeypatch.setattr(f"{module}.masked_id", lambda number: number)
    monkeypatch.setattr("api.serializers.masked_id", lambda number: f"{number[:6]} {number[6:]}")
    searcher = Searcher(canaries)
    seen = []
    for asker in askers:
        if asker.name in ("village", "client"):
            for name, channel in CHANNELS.items():
                channel(asker, canaries)
                seen += wrong_cells(name, asker, asker.take(), searcher, canaries)
    assert set(seen) >= {
        "page, history and print: village sees id_no 1", "lists: village sees id_no 1",
        "masked export: village sees id_no 1", "API lists: client sees id_no 1",
        "API records: client sees id_no 1", "API chosen fields: client sees id_no 1",
    }  # fmt: skip


def test_a_trace_left_behind_is_noticed(canaries: list[Canary], said: list[str]) -> None:
    """A value in the log, a job row, a session or a column that is not sealed is told on."""
    settle(canaries[0])
    deaf = Searcher(canaries, whole=True)
    assert {name for name, text in traces(said).items() if deaf.find(text)} == set()
    value = canaries[0].now["bank_account"]
    logging.getLogger("core.something").info("row %s", value)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_job (kind, queue, subject, scope, params, result, key, state, phase,"
            " progress_done, attempts, max_attempts, token, error, created_at)"
            " VALUES ('x', 'x', '', '', jsonb_build_object('a', %s), '{}', '', 'DONE', '', 0, 0, 1, 0,"
            " '', now())",
            [value],
        )
    store = SessionStore()
    store["seen"] = value
    store.save()
    found = {name for name, text in traces(said).items() if deaf.find(text)}
    assert found == {"log", "job rows", "sessions", "database"}
