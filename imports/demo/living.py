"""What is declared of a household: status, causes, income, living conditions, year by year.

Money is whole yuan a year; the per-capita figure has fen. Values are written as COPY reads them.
"""

from dataclasses import dataclass

from imports.demo.families import Draw
from imports.demo.names import BANKS, GROUPS

NULL = r"\N"

HOUSEHOLD_COLUMNS = (
    "id", "household_no", "village_id", "village_code", "natural_village_name", "address",
    "first_identified_on",
)  # fmt: skip
STATUS = ("household_attribute", "exit_status", "exit_year", "relapse_cause", "member_count")
INCOME = (
    "income_wage", "income_business", "income_property", "property_asset_dividend",
    "property_other", "income_transfer", "transfer_family_planning", "transfer_dibao",
    "transfer_tekun", "transfer_pension", "transfer_ecology", "transfer_other",
    "expense_business", "income_total", "net_income", "net_income_per_capita",
)  # fmt: skip
CONDITIONS = (
    "drinking_difficult", "drinking_safe", "safe_water_solved", "is_dangerous_house",
    "dangerous_house_level", "in_cooperative", "led_by_enterprise", "led_by_entrepreneur",
)  # fmt: skip
LASTING = (
    "identification_standard", "identified_year", "main_cause", "other_causes", "household_type",
    "monitor_category", "risk_cleared", "identified_month", "cleared_month", "head_name",
    "head_person_no", "head_id_no", "is_martyr_family", "is_only_child_family",
    "is_two_daughter_family", "phone", "village_phone", "bank_name", "bank_account", "farmland_mu",
    "irrigated_mu", "forest_mu", "returned_forest_mu", "orchard_mu", "grassland_mu",
    "water_surface_mu", "has_production_power", "has_domestic_power", "has_broadcast",
    "distance_to_main_road_km", "access_road_type", "house_area_m2", "has_sanitary_toilet",
    "main_fuel",
)  # fmt: skip
HOUSEHOLD_YEAR_COLUMNS = (
    "partition_id", "household_id", "village_id", "village_code",
    *STATUS, *INCOME, *CONDITIONS, *LASTING,
)  # fmt: skip

# Main causes (AAC007) in per cent, by household size: one, two or three, four and more. Together they
# give the assumed shares: illness 42, disability 14, labour 10, technique 11, funds 9, schooling 6 …
CAUSES = {
    1: (("01", 46), ("02", 22), ("08", 26), ("12", 6)),
    3: (
        ("01", 44), ("02", 15), ("08", 12), ("07", 9), ("09", 7), ("03", 4), ("05", 2), ("10", 2),
        ("04", 2), ("11", 1), ("12", 1), ("13", 1),
    ),
    7: (
        ("01", 39), ("02", 11), ("08", 4), ("07", 15), ("09", 13), ("03", 9), ("05", 3), ("10", 2),
        ("06", 1), ("04", 1), ("11", 1), ("12", 1),
    ),
}  # fmt: skip
_HUNDRED = {
    size: tuple(code for code, share in shares for _ in range(share))
    for size, shares in CAUSES.items()
}
# 一般, 低保, 五保 while poor and after the exit (AAC006 depends on AAR010).
ATTRIBUTES = {"": ("01", "05"), "dibao": ("04", "02"), "tekun": ("06", "03")}
# Yuan per person and year; one figure for all places keeps the demo simple.
PENSION = {2016: 936, 2017: 1_020, 2018: 1_176}
DIBAO = {2016: 1_420, 2017: 1_540, 2018: 1_720}
TEKUN = {2016: 3_900, 2017: 4_200, 2018: 4_600}
LINE = {2016: 2_952, 2017: 2_952, 2018: 3_208}
PLANNING = 960


@dataclass(frozen=True, slots=True)
class Home:
    """What a household's income depends on besides the year."""

    size_factor: float
    aid: str
    elders: int
    workers: int
    aided: int
    gains: bool
    omits_pension: bool


def cause_of(draw: Draw, size: int, may_study: bool) -> str:
    """Main cause by household size; schooling only where a pupil can stay through all years."""
    pool = _HUNDRED[1 if size == 1 else 3 if size <= 3 else 7]
    cause = pool[int(draw() * 100)]
    return "07" if cause == "03" and not may_study else cause


def other_causes(draw: Draw, main: str) -> str:
    """None, one or two further causes, as an array."""
    chance = draw()
    if chance < 0.45:
        return "{}"
    first = "07" if main != "07" else "09"
    if chance < 0.85:
        return f"{{{first}}}"
    return f"{{{first},11}}" if main != "11" else f"{{{first},09}}"


def aid_of(draw: Draw, size: int, able: int) -> str:
    """低保 or 五保 (特困供养) households: small ones without labour first."""
    chance = draw()
    if size <= 2 and not able:
        return "tekun" if chance < 0.30 else "dibao" if chance < 0.85 else ""
    if not able:
        return "dibao" if chance < 0.75 else ""
    return "dibao" if chance < 0.22 else ""


def target_income(draw: Draw, poor: bool, year: int) -> int:
    """Per-capita net income to aim at. A few exited ones lie below the line; some poor above it."""
    line = LINE[year]
    chance = draw()
    if poor:
        if chance < 0.18:
            return line + int(draw() * 1_600)
        return 1_400 + int(draw() * (line - 1_500))
    if chance < 0.004:
        return line - 1 - int(draw() * 500)
    return line + 350 + int((draw() * draw()) * 9_500 + draw() * 2_200)


def income(draw: Draw, home: Home, members: int, poor: bool, year: int) -> str:
    """The columns INCOME: items that add up to declared totals, except where a pension was forgotten."""
    target = target_income(draw, poor, year) * members
    pension = home.elders * PENSION[year]
    dibao = DIBAO[year] * home.aided if home.aid == "dibao" else 0
    tekun = TEKUN[year] * home.aided if home.aid == "tekun" else 0
    planning = PLANNING if home.gains and home.elders else 0
    ecology = int(draw() * 600) if home.size_factor < 0.6 else 0
    other = int(draw() * 800)
    items = planning + dibao + tekun + pension + ecology + other
    declared = items - pension if home.omits_pension else items
    dividend = (200 + int(draw() * 800)) if home.gains and year >= 2018 else 0
    rent = int(draw() * 900) if home.size_factor > 0.7 else 0
    earned = max(0, target - declared - dividend - rent)
    wage = int(earned * (0.45 + 0.45 * home.size_factor)) if home.workers else 0
    expense = int((earned - wage) * 0.3)
    business = earned - wage + expense
    total = wage + business + dividend + rent + declared
    net = total - expense
    fen = (net * 200 + members) // (2 * members)
    parts = (dividend, rent) if year >= 2018 else (NULL, NULL)
    return (
        f"{wage}\t{business}\t{dividend + rent}\t{parts[0]}\t{parts[1]}\t{declared}\t{planning}\t{dibao}"
        f"\t{tekun}\t{pension}\t{ecology}\t{other}\t{expense}\t{total}\t{net}\t{fen // 100}.{fen % 100:02d}"
    )


def conditions(draw: Draw, danger: float, factor: float, poor: bool, year: int) -> str:
    """The columns CONDITIONS. Water was asked in two questions up to 2017 and in one from 2018 on."""
    difficult = safe = solved = NULL
    if year >= 2018:
        chance = draw()
        # A missing answer is a genuine fault: it must never count as safe.
        solved = NULL if chance < 0.012 else "t" if not poor or chance > 0.12 else "f"
    else:
        chance = draw()
        safe = NULL if chance < 0.01 else "t" if not poor or chance > 0.2 else "f"
        difficult = "t" if safe == "f" else "f"
    dangerous = danger < (0.24 - 0.04 * (year - 2016) if poor else 0.008)
    level = ""
    if dangerous:
        # One in seven is graded A or B, which is not dangerous: a fault that checks must find.
        level = "3" if factor < 0.46 else "4" if factor < 0.85 else "2" if factor < 0.94 else "1"
    elif danger > 0.75:
        level = "1" if factor < 0.7 else "2"
    joined = factor + 0.1 * (year - 2016) > 0.62
    led = danger + 0.05 * (year - 2016) > 0.80
    return (
        f"{difficult}\t{safe}\t{solved}\t{'t' if dangerous else 'f'}\t{level}"
        f"\t{'t' if joined else 'f'}\t{'t' if led else 'f'}\t{'t' if led and joined else 'f'}"
    )


def statuses(draw: Draw, path: str, exit_year: int | None) -> tuple[tuple[str, str], ...]:
    """(脱贫状态, 脱贫年度) at the end of the three years; empty where not registered."""
    stops = path[0] == "E" and exit_year in (2014, 2015) and draw() < 0.2
    early = stops and draw() < 0.5
    proposed = path == "PPE" and draw() < 0.02
    found = []
    left = exit_year
    for at, letter in enumerate(path):
        year = 2016 + at
        if letter == "-":
            found.append(("", ""))
        elif letter == "P":
            left = None
            again = "E" in path[:at]
            found.append(("3" if again else "2" if proposed and at == 1 else "0", NULL))
        else:
            left = left or year
            found.append(("4" if stops and (at >= 1 or early) else "1", str(left)))
    return tuple(found)


def lasting(
    draw: Draw, identified: int, main: str, head: tuple[str, str, str], phone: str, account: str
) -> str:
    """The columns LASTING. `head` is the head's name, person number and document number."""
    land = draw()
    hilly = draw()
    return "\t".join(
        (
            "01", str(identified), main, other_causes(draw, main), "", "", NULL, "", "", *head,
            "t" if draw() < 0.012 else "f", "t" if draw() < 0.03 else "f",
            "t" if draw() < 0.025 else "f", phone, "", BANKS[int(draw() * 4)],
            account if draw() < 0.93 else "", f"{0.6 + land * 6:.1f}", f"{land * 1.5:.1f}",
            f"{hilly * 8:.1f}", f"{hilly * hilly * 3:.1f}", f"{hilly * land * 2:.1f}", "0", "0",
            "t" if hilly > 0.01 else "f", "t", "t" if land > 0.02 else "f",
            f"{hilly * hilly * 2.4:.1f}", "01" if hilly > 0.93 else "02" if hilly > 0.8 else "03" if land > 0.1 else "04",
            f"{30 + land * 110:.0f}", "t" if land > 0.35 else "f",
            "01" if hilly > 0.45 else "03" if land < 0.3 else "04",
        )
    )  # fmt: skip


def declared_members(count: int, slip: float) -> int:
    """家庭人口数 as declared: in one household of a hundred one more or one fewer than its members."""
    if slip > 0.994:
        return count + 1
    return count - 1 if slip > 0.989 and count > 1 else count


def telephone(draw: Draw, number: str) -> str:
    """The number, or what clerks leave instead: nothing, too few digits, a landline, a word."""
    chance = draw()
    if chance > 0.045:
        return number
    if chance > 0.015:
        return ""
    return number[:-1] if chance > 0.007 else "66" + number[-6:] if chance > 0.001 else "无"


def natural_village(draw: Draw) -> str:
    return GROUPS[int(draw() * len(GROUPS))] if draw() > 0.04 else ""
