"""Who looks after whom, who may grant what, and what happened to an account."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Grant, PasswordLink, User
from accounts.roles import ADMINISTRATORS, MANAGE_GRANTS, MANAGE_USERS, ROLES
from core.history import history_table, images
from core.scope import PREFIX_LENGTHS, trim, within
from villages.models import Region

# --- reach -------------------------------------------------------------------------------------


def visible_users(actor: User) -> QuerySet[User]:
    """Accounts whose home lies where the actor manages accounts or grants.

    A security administrator meets also those who hold a grant there, wherever they belong: what is
    granted in the own region has to be revocable.
    """
    grants = actor.prefixes_for(MANAGE_GRANTS)
    held = Grant.objects.open_on(timezone.localdate()).filter(
        within(grants, "region_prefix"), user=OuterRef("pk")
    )
    home = within({*actor.prefixes_for(MANAGE_USERS), *grants}, "home_prefix")
    return User.objects.filter(home | Exists(held)) if grants else User.objects.filter(home)


def may_manage(by: User, user: User) -> bool:
    """Whether `by` may disable, reset or hand over this account.

    Never the own one, never one that reaches beyond the administrator's region, and never another
    administrator's unless that one stands below: who resets a password could use the account.
    """
    if by.pk == user.pk:
        return False
    reach = list(user.grants.open_on(timezone.localdate()))
    return any(_looks_after(own.region_prefix, user, reach) for own in by.grants_with(MANAGE_USERS))


def _looks_after(prefix: str, user: User, reach: Iterable[Grant]) -> bool:
    return user.home_prefix.startswith(prefix) and all(
        grant.region_prefix.startswith(prefix)
        and (grant.role not in ADMINISTRATORS or len(grant.region_prefix) > len(prefix))
        for grant in reach
    )


def may_create_at(by: User, home_prefix: str) -> bool:
    return any(home_prefix.startswith(prefix) for prefix in by.prefixes_for(MANAGE_USERS))


def may_grant(by: User, role: str, region_prefix: str) -> bool:
    """Whether `by` may grant, or revoke, this role there: inside the own prefix, below the own rank.

    An administrator is appointed, or dismissed, only by one of a wider region.
    """
    return any(
        region_prefix.startswith(own.region_prefix)
        and (
            ROLES[role].rank < ROLES[own.role].rank
            or (role in ADMINISTRATORS and len(own.region_prefix) < len(region_prefix))
        )
        for own in by.grants_with(MANAGE_GRANTS)
    )


def grantable_roles(by: User) -> list[Role]:
    """Roles that `by` may grant somewhere, in the order of the matrix."""
    shortest = min((len(prefix) for prefix in by.prefixes_for(MANAGE_GRANTS)), default=0)
    if not shortest:
        return []
    return [
        Role(role)
        for role, facts in ROLES.items()
        if any(
            level > shortest if role in ADMINISTRATORS else level >= shortest
            for level in facts.levels
        )
    ]


# --- places ------------------------------------------------------------------------------------


def place_names(prefixes: Iterable[str], day: date | None = None) -> dict[str, str]:
    """What the prefixes are called, from the county down: 栾川县潭头镇; one query for all.

    A prefix that the list of divisions does not know keeps its digits.
    """
    wanted = set(prefixes)
    chains = {
        prefix: [prefix[:length] for length in PREFIX_LENGTHS if 6 <= length <= len(prefix)]
        or [prefix]
        for prefix in wanted
    }
    codes = {one.ljust(12, "0") for chain in chains.values() for one in chain}
    names = dict(
        Region.objects.valid_on(day or timezone.localdate())
        .filter(code__in=codes)
        .values_list("code", "name")
    )
    return {
        prefix: "".join(names.get(one.ljust(12, "0"), one) for one in chain)
        for prefix, chain in chains.items()
    }


def places_below(parent: str) -> list[tuple[str, str]]:
    """(prefix, name) of the divisions right below one, as they stand today."""
    rows = Region.objects.valid_on(timezone.localdate()).filter(parent__code=parent.ljust(12, "0"))
    return [(trim(code), name) for code, name in rows.values_list("code", "name").order_by("code")]


def places_called(prefixes: Iterable[str]) -> list[tuple[str, str]]:
    """(prefix, name) of these divisions, as they stand today."""
    codes = [prefix.ljust(12, "0") for prefix in prefixes]
    rows = Region.objects.valid_on(timezone.localdate()).filter(code__in=codes)
    return [(trim(code), name) for code, name in rows.values_list("code", "name").order_by("code")]


def places_by_name(prefixes: Sequence[str], names: Iterable[str]) -> dict[tuple[str, str], str]:
    """(prefix of the parent, name) → prefix, for the divisions inside `prefixes` of these names."""
    rows = (
        Region.objects.valid_on(timezone.localdate())
        .filter(within(prefixes, "code"), name__in=set(names))
        .values_list("parent__code", "name", "code")
    )
    return {(trim(parent or ""), name): trim(code) for parent, name, code in rows}


# --- lists -------------------------------------------------------------------------------------


def unused_since() -> datetime:
    return timezone.now() - timedelta(days=settings.ACCOUNT_UNUSED_DAYS)


def is_unused() -> Q:
    """Active accounts nobody signed in with for long, or ever (等保 8.1.4.2 wants them cleared)."""
    return Q(is_active=True) & (Q(last_login__isnull=True) | Q(last_login__lt=unused_since()))


def user_list(
    actor: User, *, q: str = "", state: str = "", region: str = "", role: str = ""
) -> QuerySet[User]:
    """Accounts the actor may look at, with the grants valid today; every condition may be empty."""
    today = timezone.localdate()
    users = visible_users(actor)
    if q:
        users = users.filter(
            Q(username__icontains=q) | Q(display_name__icontains=q) | Q(office__icontains=q)
        )
    if region:
        users = users.filter(home_prefix__startswith=region)
    if role:
        held = Grant.objects.valid_on(today).filter(role=role, user=OuterRef("pk"))
        users = users.filter(Exists(held))
    if state:
        users = users.filter(
            {"active": Q(is_active=True), "disabled": Q(is_active=False), "unused": is_unused()}[
                state
            ]
        )
    grants = Grant.objects.valid_on(today).order_by("region_prefix", "role")
    return users.prefetch_related(Prefetch("grants", queryset=grants, to_attr="today")).order_by(
        "home_prefix", "username"
    )


# --- what happened to an account ---------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One line of an account's past. `who` is empty for the operator of the machine."""

    at: datetime
    text: str
    who: str = ""
    note: str = ""


_FACTS = (
    ("username", "用户名"), ("display_name", "姓名"), ("office", "单位"), ("home_prefix", "所属区划"),
)  # fmt: skip


def timeline(user: User) -> list[Event]:
    """Everything that was done to an account, the latest first."""
    grants = list(user.grants.select_related("granted_by", "revoked_by"))
    links = list(user.links.select_related("made_by"))
    pasts = images(User, user.pk)
    shortened = _shortened(user)
    people = {
        *(image["history_actor"] for image in (*pasts, *shortened)),
        *(image["handed_over_to_id"] for image in pasts),
        user.created_by_id,
        user.handed_over_to_id,
    }
    names = dict(User.objects.filter(pk__in=people - {None}).values_list("pk", "display_name"))
    places = place_names(grant.region_prefix for grant in grants)
    events = [
        Event(user.created_at, "建立账号", names.get(user.created_by_id or 0, "")),
        *_changes(user, pasts, names),
        *(event for grant in grants for event in _of_grant(grant, places)),
        *(
            Event(
                image["history_at"],
                f"{_granted(image['role'], image['region_prefix'], places)} 提前结束",
                names.get(image["history_actor"], ""),
                image["history_reason"] or "",
            )
            for image in shortened
        ),
        *(event for link in links for event in _of_link(link)),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _granted(role: str, prefix: str, places: dict[str, str]) -> str:
    return f"{Role(role).label}（{places.get(prefix, prefix)}）"


def _of_grant(grant: Grant, places: dict[str, str]) -> Iterator[Event]:
    what = _granted(grant.role, grant.region_prefix, places)
    end = f"至 {grant.valid_to}" if grant.valid_to else "起，长期有效"
    yield Event(
        grant.granted_at,
        f"授予 {what}，{grant.valid_from} {end}",
        str(grant.granted_by or ""),
        grant.reason,
    )
    if grant.revoked_at:
        yield Event(
            grant.revoked_at, f"收回 {what}", str(grant.revoked_by or ""), grant.revoked_reason
        )


def _of_link(link: PasswordLink) -> Iterator[Event]:
    end = timezone.localtime(link.expires_at)
    yield Event(
        link.made_at, f"发放设置口令链接，{end:%Y-%m-%d %H:%M} 前有效", str(link.made_by or "")
    )
    if link.used_at:
        yield Event(link.used_at, "用链接设置了口令", str(link.user))


def _changes(user: User, pasts: list[dict[str, Any]], names: dict[int, str]) -> Iterator[Event]:
    """Each old image against the one that replaced it."""
    after: dict[str, Any] = {
        field.attname: getattr(user, field.attname) for field in user._meta.concrete_fields
    }
    for image in pasts:
        who, note = names.get(image["history_actor"], ""), image["history_reason"] or ""
        for text in _differences(image, after, names):
            yield Event(image["history_at"], text, who, note)
        after = image


def _differences(old: dict[str, Any], new: dict[str, Any], names: dict[int, str]) -> Iterator[str]:
    if old["is_active"] != new["is_active"]:
        yield "启用账号" if new["is_active"] else "停用账号"
    for name, label in _FACTS:
        if old[name] != new[name]:
            yield f"{label}由“{old[name]}”改为“{new[name]}”"
    if new["handed_over_to_id"] and (
        old["handed_over_to_id"] != new["handed_over_to_id"]
        or old["handed_over_on"] != new["handed_over_on"]
    ):
        to = names.get(new["handed_over_to_id"], "")
        yield f"工作自 {new['handed_over_on']} 起移交给{to}"


def _shortened(user: User) -> list[dict[str, Any]]:
    """Old images of the user's grants whose last day was moved forward."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT history_at, history_actor, history_reason, past.role, past.region_prefix"  # noqa: S608
            f"  FROM (SELECT *, lead(valid_to) OVER life AS next_end, lead(id) OVER life AS next_id"
            f"          FROM {history_table(Grant)} WHERE user_id = %s"
            f"        WINDOW life AS (PARTITION BY id ORDER BY history_at, history_id)) past"
            f"  JOIN {Grant._meta.db_table} AS present USING (id)"
            f" WHERE coalesce(CASE WHEN next_id IS NULL THEN present.valid_to ELSE next_end END,"
            f"                'infinity') < coalesce(past.valid_to, 'infinity')",
            [user.pk],
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
