"""What is declared of a person: health, school, labour, work, insurance, year by year.

Values are written as COPY reads them. Shares marked assumed in the list of distributions are used
for ages, health and causes; what a cause needs (a sick or disabled member, a pupil, nobody able to
work) is set first.
"""

from households.enums import DISABILITY_ID, HEAD, RESIDENT_ID
from imports.demo.families import Draw, Person
from imports.demo.names import Numbers

NULL = r"\N"

PERSON_COLUMNS = (
    "id", "person_no", "household_id", "village_code", "name", "sex", "id_type", "id_no",
    "birth_date", "ethnicity", "identified_on",
)  # fmt: skip
# What changes with the year comes first, what does not after it.
YEARLY = (
    "education_level", "student_status", "health_status", "labour_capacity", "work_area",
    "work_months",
)  # fmt: skip
LASTING = (
    "relation_to_head", "work_employer", "work_place", "works_abroad", "industry_class",
    "employment_channel", "public_post_type", "public_post_months", "in_resident_medical",
    "in_major_illness_insurance", "in_employee_medical", "in_commercial_medical",
    "in_resident_pension", "in_employee_pension", "medical_aid_major", "health_help_other",
    "has_dibao", "has_tekun", "dropout_reason", "speaks_mandarin", "political_status",
    "disability_type", "disability_cert_year", "is_serviceman", "member_phone",
)  # fmt: skip
PERSON_YEAR_COLUMNS = (
    "partition_id",
    "household_id",
    "village_code",
    "person_id",
    *YEARLY,
    *LASTING,
)

# Able, skilled, half able, lost, none: what a person of working age can do.
ABLE, SKILLED, HALF, LOST, NONE = "A", "S", "H", "L", "N"
LABOUR = {ABLE: "01", SKILLED: "02", HALF: "X05", LOST: "03", NONE: "04"}
DISABILITIES = ("视力", "听力", "言语", "肢体", "肢体", "肢体", "智力", "精神", "多重")
DISABILITY_DIGITS = {"视力": 1, "听力": 2, "言语": 3, "肢体": 4, "智力": 5, "精神": 6, "多重": 7}
AREAS = ("01", "01", "02", "02", "03", "03", "03", "04", "04", "04")
PLACES = {
    "01": "", "02": "河南省洛阳市", "03": "河南省郑州市", "04": "江苏省苏州市", "99": "",
}  # fmt: skip
EMPLOYERS = ("某建筑公司", "某电子厂", "某服装厂", "某物流公司", "某餐饮店")
POSTS = ("保洁员", "护林员", "护路员")
# Health of people whom no cause concerns, in per cent by age: chronic, major illness, disabled.
_HEALTH = ((16, 2, 0.5, 3), (40, 6, 1.0, 9), (60, 16, 2.5, 13), (200, 34, 3.5, 15))


def settle_health(draw: Draw, people: list[Person], cause: str) -> None:
    """Give everyone a health, and the household the member its cause rests on."""
    for person in people:
        person.health = _health(draw, 2017 - person.born)
    if cause in ("01", "02"):
        _rest_cause_on(draw, people, cause)
    for person in people:
        if "04" in person.health and (person.is_key or draw() < 0.85):
            person.disability = DISABILITIES[int(draw() * 9)]


def _health(draw: Draw, age: int) -> list[str]:
    chronic, major, disabled = next(row[1:] for row in _HEALTH if age < row[0])
    chance = draw() * 100
    if chance < chronic:
        return ["02"]
    if chance < chronic + major:
        return ["03"]
    if chance < chronic + major + disabled:
        return ["04", "02"] if draw() < 0.08 else ["04"]
    if draw() < 0.012:
        return []
    return ["01"]


def _rest_cause_on(draw: Draw, people: list[Person], cause: str) -> None:
    """Illness (因病) or disability (因残): somebody who stays through all the years has it."""
    lasting = [p for p in people if not p.moved] or people[:1]
    # Of several values only the first was asked before 2018.
    suffering = {"02", "03"} if cause == "01" else {"04"}
    person = next((p for p in lasting if suffering & set(p.health[:1])), None)
    if person is None:
        # Rather an elder member than the first by chance.
        at = min(int(draw() * len(lasting)), int(draw() * len(lasting)))
        person = sorted(lasting, key=lambda p: p.born)[at]
        person.health = ["04"] if cause == "02" else ["02" if draw() < 0.86 else "03"]
    person.is_key = True


def settle_fitness(draw: Draw, people: list[Person], cause: str) -> None:
    """What everyone could do at work; where labour is the cause (缺劳力), one at most is able."""
    for person in people:
        person.fit = _fitness(draw, person.health)
    if cause == "08":
        able = [p for p in people if p.fit in (ABLE, SKILLED, HALF)]
        for person in able[1 if len(people) > 1 and draw() < 0.5 else 0 :]:
            _make_unfit(draw, person)
    for person in people:
        of_age = 1952 < person.born < 2001
        person.works = of_age and person.fit in (ABLE, SKILLED) and draw() < 0.66


def _fitness(draw: Draw, health: list[str]) -> str:
    chance = draw()
    if "04" in health:
        return LOST if chance < 0.45 else HALF
    if "03" in health:
        return LOST if chance < 0.8 else HALF
    if "02" in health:
        return HALF if chance < 0.4 else ABLE if chance < 0.85 else LOST
    return SKILLED if chance < 0.09 else ABLE


def _make_unfit(draw: Draw, person: Person) -> None:
    """Too young or too old already, or else ill: nobody healthy is called unable to work."""
    person.fit = NONE
    if 1955 < person.born < 1996 and person.health in ([], ["01"]):
        person.fit = LOST
        person.health = ["02"] if draw() < 0.7 else ["03"]
    elif not set(person.health) <= {"01"}:
        person.fit = LOST


def settle_school(draw: Draw, person: Person, is_pupil: bool) -> None:
    """How far somebody goes or went to school, as a grade, and the level it leads to (AAB008)."""
    chance = draw()
    if is_pupil:
        person.last_grade = 16 if person.born <= 2001 else 12
    else:
        person.last_grade = next(g for limit, g in _LAST_GRADE if chance < limit)
    if person.born >= 1995:
        person.education = (
            "03" if person.last_grade <= 9 else "04" if person.last_grade <= 12 else "05"
        )
    else:
        shares = next(row for year, row in _EDUCATION if person.born < year)
        person.education = shares[int(draw() * 20)]
    if draw() < 0.04:
        person.education = ""


# 9 leaves after junior school; 11 stands for the vocational branch, 14 for the higher one.
_LAST_GRADE = ((0.12, 9), (0.36, 11), (0.60, 12), (0.80, 14), (1.1, 16))
_EDUCATION = (
    (1945, ("01",) * 8 + ("02",) * 10 + ("03",) * 2),
    (1960, ("01",) * 4 + ("02",) * 10 + ("03",) * 5 + ("04",)),
    (1975, ("01",) + ("02",) * 7 + ("03",) * 10 + ("04",) * 2),
    (1995, ("02",) * 4 + ("03",) * 13 + ("04",) * 2 + ("05",)),
)
_HIGH = ("07", "08", "09")
_VOCATIONAL = ("10", "11", "12")
_HIGHER = ("13", "14", "15")


def student_status(person: Person, year: int) -> str:
    """The class somebody attends at the end of a year (AAB009), empty when none.

    School begins in the autumn after the sixth birthday, counted on 31 August.
    """
    grade = year - person.born - 5 - (person.birth[4:6] > "08")
    if grade > 16 or grade < -2:
        return ""
    if grade <= 0:
        return "02"
    if grade <= 6:
        return "03"
    if grade <= 9:
        return ("04", "05", "06")[grade - 7]
    last = person.last_grade
    if grade <= 12:
        return "" if last == 9 else (_VOCATIONAL if last == 11 else _HIGH)[grade - 10]
    if last == 16:
        return "16"
    return _HIGHER[grade - 13] if last == 14 and grade <= 15 else ""


def labour_capacity(person: Person, age: int, year: int) -> str:
    """AAB010 of somebody who is not at school. Half labour is a word of 2018."""
    if age < 16 or age >= 70:
        return "04"
    fit = person.fit
    if age >= 60 and fit in (ABLE, SKILLED):
        fit = HALF
    return "01" if fit == HALF and year < 2018 else LABOUR[fit]


def yearly(draw: Draw, person: Person, work: tuple[str, int], year: int) -> str:
    """The columns YEARLY of one year; `work` is the area and the months of 2017."""
    age = year - person.born
    student = student_status(person, year) if age < 25 else ""
    if age < 6 and student == "":
        education = "06"
    else:
        education = "" if student else person.education
    labour = "04" if student else labour_capacity(person, age, year)
    health = person.health if year >= 2018 else person.health[:1]
    area, months = "", NULL
    if work[0] and not student and 17 <= age <= 66 and labour in ("01", "02", "X05"):
        area, months = work[0], str(min(12, max(1, work[1] + year - 2017)))
    # Genuine gaps and slips: no labour capacity, level and class both filled in.
    slip = draw()
    if slip < 0.02:
        labour = ""
    elif slip < 0.025 and student:
        education = "02"
    return f"{education}\t{student}\t{{{','.join(health)}}}\t{labour}\t{area}\t{months}"


def work_of(draw: Draw, person: Person) -> tuple[str, int]:
    """Where somebody works (AAB011) and for how many months."""
    if not person.works or (person.born > 1994 and student_status(person, 2017)):
        return "", 0
    return AREAS[int(draw() * 10)], 3 + int(draw() * 9)


def lasting(draw: Draw, person: Person, work: tuple[str, int], aid: str, phone: str) -> str:
    """The columns LASTING. `aid` is "dibao", "tekun" or empty, as the household's attribute says."""
    age = 2017 - person.born
    major = "03" in person.health
    post = POSTS[int(draw() * 3)] if not work[0] and 18 < age < 68 and draw() < 0.03 else ""
    chance = draw()
    party = (
        "01" if age >= 25 and chance < 0.04 else "03" if 15 <= age <= 27 and chance < 0.3 else "13"
    )
    certified = str(2008 + int(draw() * 8)) if person.disability else NULL
    return "\t".join(
        (
            person.relation,
            EMPLOYERS[int(draw() * 5)] if work[0] > "02" and draw() < 0.3 else "",
            PLACES[work[0]] if work[0] else "",
            "f" if work[0] else NULL,
            "", "", post, "12" if post else NULL,
            _answer(draw, 0.970, 0.022), _answer(draw, 0.80, 0.15),
            "t" if work[0] > "02" and draw() < 0.05 else "f",
            _answer(draw, 0.06, 0.80), _answer(draw, 0.70, 0.27) if age >= 16 else NULL, "f",
            "t" if major and draw() < 0.6 else "f", NULL,
            "t" if aid == "dibao" else "f", "t" if aid == "tekun" else "f",
            "", NULL, party, person.disability, certified, "f",
            phone if person.relation == HEAD or draw() < 0.2 else "",
        )
    )  # fmt: skip


def _answer(draw: Draw, yes: float, no: float) -> str:
    """Yes, no, or missing."""
    chance = draw()
    return "t" if chance < yes else "f" if chance < yes + no else NULL


def document(draw: Draw, person: Person, numbers: Numbers) -> tuple[str, str]:
    """(type, number): the disability certificate replaces the identity number."""
    if person.has_no_number:
        return RESIDENT_ID, numbers.no_number(person.birth)
    number = numbers.identity(person.birth, person.sex)
    if not person.disability:
        return RESIDENT_ID, number
    kind = DISABILITY_DIGITS[person.disability]
    renewed = "B1" if draw() < 0.05 else ""
    return DISABILITY_ID, f"{number}{kind}{1 + int(draw() * 4)}{renewed}"


def ethnicity(draw: Draw, is_hui: bool) -> str:
    """AAB007: 汉 01, 回 03; the rest is rare. A few are blank."""
    if is_hui:
        return "03"
    chance = draw()
    return "01" if chance < 0.996 else "" if chance < 0.998 else "04" if chance < 0.999 else "02"
