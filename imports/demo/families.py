"""Who lives in a household: relations, sexes and birth dates that fit together.

A household is written as letters: H head, S spouse, C child, W son's wife, G grandchild, P parent,
B sibling. Years of birth are relative to the end of 2017.
"""

from collections.abc import Callable, Iterator

from households.enums import FEMALE, HEAD, MALE, MemberKind
from imports.demo.names import DAYS

Draw = Callable[[], float]
FOREVER = 9999

FORMS = {
    1: ("H",),
    2: ("HS", "HS", "HS", "HS", "HC", "HC", "HC", "HP", "HP", "HG"),
    3: ("HSC",) * 11 + ("HCC", "HCC", "HSP", "HSP", "HCP", "HSG", "HSG", "HPB"),
    4: ("HSCC",) * 11 + ("HSCP",) * 4 + ("HSCW", "HSCW", "HCCP", "HCWG", "HSGG"),
    5: ("HSCCP",) * 8 + ("HSCWG",) * 6 + ("HSCCC",) * 4 + ("HSCPP",) * 2,
    6: ("HSCCPP",) * 4 + ("HSCWGG",) * 4 + ("HSCCCP",) * 2,
    7: ("HSCWGGP",) * 5 + ("HSCCCPP",) * 3 + ("HSCWGGG",) * 2,
}
# A schooling household needs a child of 14 to 20; one without labour few people of working age.
SCHOOLING = {2: "HC", 3: "HSC", 4: "HSCC", 5: "HSCCP", 6: "HSCCCP", 7: "HSCCCPP"}
FEEBLE = {1: "H", 2: "HS", 3: "HSG", 4: "HSGG", 5: "HSCCP", 6: "HSCCPP", 7: "HSCCCPP"}


class Person:
    """One person: what never changes, and the years at whose end they belong to the household."""

    __slots__ = (
        "birth", "born", "disability", "education", "fit", "has_no_number", "health", "is_key",
        "last_grade", "moved", "relation", "sex", "since", "until", "works",
    )  # fmt: skip
    # Settled by `people`, once the whole household is known.
    education: str
    fit: str
    health: list[str]
    last_grade: int
    works: bool

    def __init__(self, relation: str, sex: str, born: int, day: str) -> None:
        self.relation = relation
        self.sex = sex
        self.born = born
        self.birth = f"{born}{day}"
        self.since, self.until = 0, FOREVER
        self.moved = self.disability = ""
        self.is_key = self.has_no_number = False


# Relation to the head (AAB006) by letter and sex.
RELATION = {
    ("C", MALE): "03", ("C", FEMALE): "04", ("W", FEMALE): "05", ("W", MALE): "06",
    ("G", MALE): "07", ("G", FEMALE): "08", ("P", MALE): "11", ("P", FEMALE): "12",
    ("B", MALE): "X21", ("B", FEMALE): "X21",
}  # fmt: skip


def form(draw: Draw, size: int, cause: str) -> str:
    """The letters of a household of this size; the cause may ask for a certain kind."""
    if cause == "03":
        return SCHOOLING[size]
    if cause == "08" and size > 1 and draw() < 0.7:
        return FEEBLE[size]
    forms = FORMS[size]
    return forms[int(draw() * len(forms))]


def family(draw: Draw, letters: str, pupil: bool) -> list[Person]:
    """The people behind the letters. `pupil` makes the first child fourteen to twenty years old."""
    first = 1997 + int(draw() * 7) if pupil else 0
    born = first - 22 - int(draw() * 8) if pupil else 2017 - _head_age(draw, letters)
    male = draw() < (0.70 if len(letters) == 1 else 0.87)
    head = _person(draw, HEAD, MALE if male else FEMALE, born)
    people = [head]
    for place, letter in enumerate(letters[1:], start=1):
        people.append(_relative(draw, letter, letters, place, people, first))
    return people


def _person(draw: Draw, relation: str, sex: str, born: int) -> Person:
    return Person(relation, sex, born, DAYS[int(draw() * 365)])


def _head_age(draw: Draw, letters: str) -> int:
    """Age of the head at the end of 2017, by what the household looks like."""
    if "W" in letters or letters in ("HG", "HSG", "HSGG"):
        return 54 + int(draw() * 20)
    if "P" in letters:
        return 38 + int(draw() * 24)
    if letters == "H":
        return 46 + int(draw() * 40)
    if letters == "HS":
        return 52 + int(draw() * 32)
    if letters == "HC":
        return 34 + int(draw() * 38)
    return 32 + int(draw() * 30)


def _relative(
    draw: Draw, letter: str, letters: str, place: int, people: list[Person], first: int
) -> Person:
    head = people[0]
    if letter == "S":
        sex = FEMALE if head.sex == MALE else MALE
        shift = -int(draw() * 5) if sex == MALE else int(draw() * 5)
        return _person(draw, "02", sex, head.born + shift)
    if letter == "C":
        return _child(draw, letters, place, people, first)
    if letter == "W":
        return _person(draw, "05", FEMALE, people[place - 1].born + int(draw() * 4))
    if letter == "G":
        return _grandchild(draw, letters, place, people)
    return _elder(draw, letter, place, people)


def _child(draw: Draw, letters: str, place: int, people: list[Person], first: int) -> Person:
    previous = people[place - 1]
    if previous.relation in ("03", "04"):
        born = min(2015, previous.born + 1 + int(draw() * 6))
    else:
        born = first or min(2015, people[0].born + 22 + int(draw() * 8))
    # Grown daughters live with their husbands' families; a son's wife needs a son.
    grown = born < 1993
    is_son = "W" in letters or draw() < (0.86 if grown else 0.52)
    return _person(draw, "03" if is_son else "04", MALE if is_son else FEMALE, born)


def _grandchild(draw: Draw, letters: str, place: int, people: list[Person]) -> Person:
    previous = people[place - 1]
    if previous.relation in ("07", "08"):
        born = previous.born + 1 + int(draw() * 5)
    elif "W" in letters:
        born = previous.born + 22 + int(draw() * 5)
    else:
        born = people[0].born + 47 + int(draw() * 8)
    sex = MALE if draw() < 0.53 else FEMALE
    return _person(draw, RELATION["G", sex], sex, min(2015, born))


def _elder(draw: Draw, letter: str, place: int, people: list[Person]) -> Person:
    head, previous = people[0], people[place - 1]
    if letter == "B":
        sex = MALE if draw() < 0.8 else FEMALE
        return _person(draw, "X21", sex, head.born - 4 + int(draw() * 9))
    if previous.relation in ("11", "12"):
        sex = FEMALE if previous.sex == MALE else MALE
        return _person(draw, RELATION["P", sex], sex, previous.born - 3 + int(draw() * 7))
    sex = FEMALE if draw() < 0.6 else MALE
    born = max(1926, head.born - 21 - int(draw() * 9))
    return _person(draw, RELATION["P", sex], sex, born)


def joiner(draw: Draw, people: list[Person], year: int) -> Person:
    """Somebody who joins in a year: a birth where one is possible, a bride, else a relative."""
    wife = next(
        (
            p
            for p in people
            if p.relation in ("02", "05") and p.sex == FEMALE and year - p.born <= 40
        ),
        None,
    )
    bachelor = next((p for p in people if p.relation == "03" and 22 <= year - p.born <= 38), None)
    if wife is not None:
        sex = MALE if draw() < 0.53 else FEMALE
        letter = "C" if wife.relation == "02" else "G"
        person, kind = _person(draw, RELATION[letter, sex], sex, year), MemberKind.BIRTH
    elif bachelor is not None and not any(p.relation == "05" for p in people):
        person = _person(draw, "05", FEMALE, bachelor.born + int(draw() * 3))
        kind = MemberKind.MARRIAGE_IN
    else:
        person = _person(draw, "X21", MALE, people[0].born - 3 + int(draw() * 7))
        kind = MemberKind.MOVE_IN
    person.since, person.moved = year, kind.value
    return person


def former(draw: Draw, people: list[Person], year: int) -> Person:
    """Somebody who belonged to the household until a year: a parent who died, or a daughter wed."""
    head = people[0]
    if 2017 - head.born < 66 and not any(p.relation in ("11", "12") for p in people):
        person = _person(
            draw, "11" if draw() < 0.5 else "12", MALE, max(1922, head.born - 23 - int(draw() * 8))
        )
        person.sex = MALE if person.relation == "11" else FEMALE
        kind = MemberKind.DEATH
    elif 2017 - head.born >= 45:
        person = _person(draw, "04", FEMALE, head.born + 22 + int(draw() * 5))
        grown = year - person.born
        kind = MemberKind.MARRIAGE_OUT if 20 <= grown <= 34 else MemberKind.MOVE_OUT
    else:
        person = _person(draw, "X21", MALE, head.born - 3 + int(draw() * 7))
        kind = MemberKind.MOVE_OUT
    person.until, person.moved = year, kind.value
    return person


def leaver(people: list[Person], year: int) -> Person:
    """Which member leaves in a year: never the head nor the one whom the cause rests on."""
    able = [p for p in people[1:] if not p.is_key and not p.since] or people[1:]
    person = min(able, key=lambda p: p.born)
    age = year - person.born
    if age < 55:
        daughters = [p for p in able if p.relation == "04" and 20 <= year - p.born <= 34]
        person = daughters[0] if daughters else person
        kind = MemberKind.MARRIAGE_OUT if daughters else MemberKind.MOVE_OUT
    else:
        kind = MemberKind.DEATH
    person.until, person.moved = year, kind.value
    return person


def moves(people: list[Person]) -> Iterator[tuple[Person, int]]:
    """(person, year) of everyone who joined or left."""
    for person in people:
        if person.moved:
            yield person, person.since or person.until
