"""Who asks: about fifteen kinds of people and machines, each with the grants of one everyday case."""

from dataclasses import dataclass, field

VILLAGE, SIBLING, OTHER_TOWN, NEIGHBOUR = (
    "410324100203", "410324100204", "410324101200", "410325100201",
)  # fmt: skip
TOWN, COUNTY, CITY = VILLAGE[:9], VILLAGE[:6], "4103"


@dataclass(frozen=True)
class Subject:
    """A role in a region; `entrusted` holds the household of the own village besides."""

    name: str
    role: str = ""
    region: str = ""
    entrusted: bool = False
    # How they knock: "" a browser session, "nobody" no session, "key" an API key.
    by: str = field(default="")


SUBJECTS = (
    Subject("anonymous", by="nobody"),
    Subject("no_grant"),
    Subject("village", "VILLAGE", VILLAGE),
    Subject("town_clerk", "TOWN_CLERK", TOWN),
    Subject("county_clerk", "COUNTY_CLERK", COUNTY),
    Subject("county_office", "COUNTY_OFFICE", COUNTY),
    Subject("county_leader", "LEADER", COUNTY),
    Subject("city_leader", "LEADER", CITY),
    Subject("city_office", "CITY_OFFICE", CITY),
    Subject("finance", "FINANCE", COUNTY),
    Subject("auditor", "AUDITOR", COUNTY),
    Subject("department", "DEPARTMENT", COUNTY),
    Subject("helper", "HELPER", VILLAGE, entrusted=True),
    Subject("inspector", "INSPECTOR", COUNTY, entrusted=True),
    Subject("system_admin", "SYSTEM_ADMIN", COUNTY),
    Subject("security_admin", "SECURITY_ADMIN", COUNTY),
    Subject("audit_admin", "AUDIT_ADMIN", COUNTY),
    Subject("client", region=COUNTY, by="key"),
)

# Which kinds may use which right at all: written out by hand, not read from the product.
_READERS = frozenset({
    "village", "town_clerk", "county_clerk", "county_office", "county_leader", "city_leader",
    "city_office", "finance", "auditor", "helper", "inspector",
})  # fmt: skip
HOLDERS: dict[str, frozenset[str]] = {
    "read": _READERS,
    "reveal": frozenset({"town_clerk", "county_clerk", "county_office", "city_office", "auditor"}),
    "assign": frozenset({"county_office", "city_office"}),
    "edit": frozenset({"village", "town_clerk", "county_clerk", "county_office"}),
    "review": frozenset({"village", "town_clerk", "county_office"}),
    "manage_review": frozenset({"county_office", "city_office"}),
    "review_any": frozenset({"village", "town_clerk", "county_office", "city_office"}),
    "work": frozenset({"village", "town_clerk", "county_clerk", "county_office", "city_office"}),
    "load": frozenset({"town_clerk", "county_clerk", "county_office", "city_office"}),
    "catalog": frozenset({"city_office"}),
    "standards": frozenset({"city_office"}),
    "decide_exit": frozenset({"town_clerk", "county_office", "city_office"}),
    "plan": frozenset({"county_office", "city_office"}),
    "edit_projects": frozenset(
        {"village", "town_clerk", "county_clerk", "county_office", "city_office"}
    ),
    "decide_projects": frozenset({"county_office", "city_office"}),
    "edit_funds": frozenset({"finance"}),
    "approve_funds": frozenset({"finance"}),
    "survey": frozenset({"inspector"}),
    "decide": frozenset({"county_office", "city_office"}),
    "find": frozenset({"county_office", "city_office"}),
    "mend": frozenset({"village", "town_clerk", "county_clerk", "county_office", "city_office"}),
    "appeal": frozenset({"county_office"}),
    # Other systems read batches as well.
    "marks_of_batches": frozenset(
        {"town_clerk", "county_clerk", "county_office", "city_office", "client"}
    ),
    "release": frozenset({"county_office", "city_office"}),
    "jobs": frozenset({"system_admin", "city_office"}),
    "users": frozenset({"system_admin"}),
    "grants": frozenset({"security_admin"}),
    "people": frozenset({"system_admin", "security_admin"}),
    "clients": frozenset({"security_admin"}),
    "ledger": frozenset({"audit_admin", "auditor"}),
    "read_or_jobs": _READERS | {"system_admin"},
    "client": frozenset({"client"}),
    # Whose key was used stands in the ledger.
    "marks_of_clients": frozenset({"security_admin", "audit_admin", "auditor"}),
    # Names of account holders also stand in the ledger and beside what they asked for.
    "marks_of_people": frozenset(
        {
            "system_admin",
            "security_admin",
            "audit_admin",
            "auditor",
            "county_office",
            "city_office",
        }
    ),
    "anyone": frozenset(subject.name for subject in SUBJECTS if not subject.by),
}
# Rights that assigned people have for their own household only, and for no place.
BY_ASSIGNMENT = frozenset({"helper", "inspector"})
