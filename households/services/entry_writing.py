"""Writing an entry: one transaction, rows locked, checked again, a statement per table.

Who joins, leaves, passes on or becomes head goes through `households.services.members`, which books it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection
from django.db.models.functions import Now

from core.acting import acting
from core.scope import covers
from households.enums import HEAD
from households.models import Household, HouseholdYear, Person, PersonYear, WrittenEdit
from households.queries.places import year_end
from households.services import members
from households.services.changing import EDIT, UnfitError
from households.services.entry_acts import target_of
from households.services.entry_checking import checked, stated_after
from households.services.entry_edit import VILLAGE, Edit
from households.services.entry_merging import require_fresh
from households.services.entry_reading import Reading, day_of, key_of, read
from households.services.entry_rows import again, indexed, stated, update
from households.services.entry_state import Base, base_of
from villages.enums import Level
from villages.models import Region

# What the ledger of movement is posted by.
_POSTED = {"year.exit_status", "year.exit_year", "year.identified_year"}
_RELATION = "relation_to_head"


def apply(*, edit: Edit, key: UUID, reason: str, by: Any) -> HouseholdYear:
    """Write an edit and give the household's row of the year; the same key again writes nothing.

    Raises StaleError when others changed the household meanwhile, UnfitError for errors and where
    `by` may not edit. A household that ends with the edit is given as it was.
    """
    with acting(by=by, reason=reason), _told_alike():
        one_at_a_time(key)
        done = WrittenEdit.objects.filter(key=key).select_related("household").first()
        if done is not None:
            return _written(done)
        base = base_of(edit, locked=True)
        code = base.row.village_code if base.row else str(edit.household.get(VILLAGE, ""))
        if not code or not covers(by, code, EDIT):
            raise UnfitError("提交人没有修改该户的权限，或该年度没有这一户。")
        require_fresh(edit, base)
        reading = read(edit, base)
        errors = checked(edit, base, reading, by).errors
        if errors:
            raise UnfitError("；".join(dict.fromkeys(one.message for one in errors)))
        write = _Writing(edit, base, reading, reason, by)
        row = write.new(code) if base.row is None else write.known(base.row)
        WrittenEdit.objects.create(
            key=key,
            household_id=row.household_id,
            # Where it is today: the scope of what was done goes with the household.
            village_code=row.household.village_code,
            partition_id=row.partition_id,
            created_by=by,
        )
    return row


@contextmanager
def _told_alike() -> Iterator[None]:
    """Whoever writes an entry meets one kind of refusal."""
    try:
        yield
    except members.UnfitError as error:
        raise UnfitError(str(error)) from error
    except IntegrityError as error:
        # Somebody else entered the number between the check and now.
        if "person_one_per_number" in str(error):
            raise UnfitError("该证件号码已登记在其他户。") from error
        raise


def one_at_a_time(key: UUID) -> None:
    """A second request with the key waits until the transaction of the first has ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(key)])


def _written(done: WrittenEdit) -> HouseholdYear:
    """The row that was written; of a household that has ended since, what names it."""
    rows = HouseholdYear.objects.in_year(done.partition_id).select_related("household")
    found = rows.filter(household_id=done.household_id).first()
    return found or HouseholdYear(
        household=done.household, partition_id=done.partition_id, village_code=done.village_code
    )


class _Writing:
    def __init__(self, edit: Edit, base: Base, reading: Reading, reason: str, by: Any) -> None:
        self.edit, self.base, self.reading = edit, base, reading
        self.reason, self.by = reason, by
        # As it will be, told before a row is touched.
        self.after = stated_after(edit, base, reading)
        self.head = self._new_head()
        # Who joined: position in the edit → the person's number.
        self.numbers: dict[int, str] = {}

    # --- a household that is entered for the first time

    def new(self, code: str) -> HouseholdYear:
        regions = Region.objects.valid_on(year_end(self.edit.partition))
        village = regions.filter(code=code, level=Level.VILLAGE).first()
        if village is None:
            raise UnfitError("所在村不在该年度的行政区划中。")
        household = Household.objects.create(
            household_no=members.new_number(code),
            village=village,
            village_code=code,
            **self.reading.of("household"),
        )
        facts = {"member_count": len(self.reading.joined), **stated(self.reading.of("year"))}
        row = HouseholdYear.objects.create(
            partition_id=self.edit.partition,
            household=household,
            village=village,
            village_code=code,
            **facts,
        )
        head = None
        for at in self.reading.joined:
            member = members.enrol(row=row, **self._joining(at))
            if member.relation_to_head == HEAD:
                head = member.person
        if head is not None:
            members.name_head(row, head)
        members.book([row], [], self.reason, self.by)
        return again(row)

    def _joining(self, at: int) -> dict[str, Any]:
        key = f"members.{key_of(at, self.edit.members[at])}"
        person = stated(self.reading.of(f"{key}.person"))
        return {"person": person, "year": stated(self.reading.of(f"{key}.year"))}

    # --- a household that is known

    def known(self, row: HouseholdYear) -> HouseholdYear:
        self._fields(row)
        self._join(row)
        self._head(row)
        self._leave(row)
        for act in self.edit.acts:
            self._act(row, act)
        if not HouseholdYear.objects.filter(pk=row.pk).exists():
            return row
        # A size that was stated holds, whoever came and went.
        size = self.reading.sets.get("year.member_count")
        if size is not None:
            HouseholdYear.objects.filter(pk=row.pk).update(member_count=size.after)
        if _POSTED & self.reading.sets.keys():
            members.book([row], [], self.reason, self.by)
        return again(row)

    def _fields(self, row: HouseholdYear) -> None:
        household = self.reading.of("household")
        if household:
            Household.objects.filter(pk=row.household_id).update(**household)
        HouseholdYear.objects.filter(pk=row.pk).update(**self.reading.of("year"), changed_at=Now())
        persons, years = [], []
        for one in self.base.members:
            whose = f"members.{one.person.person_no}"
            persons.append((one.person, indexed(self.reading.of(f"{whose}.person"))))
            years.append((one, self.reading.of(f"{whose}.year")))
        if self.head is not None:
            # Two heads at one moment are refused: the change of head writes the relations.
            for _, values in years:
                values.pop(_RELATION, None)
        update(Person, persons)
        changed = update(PersonYear, years)
        PersonYear.objects.filter(pk__in=changed).update(changed_at=Now())

    def _new_head(self) -> str | None:
        """Who becomes the head, by key; None while it is who it was."""
        heads = [one.key for one in self.after.members if one.year.get(_RELATION) == HEAD]
        was = [one.person.person_no for one in self.base.members if one.relation_to_head == HEAD]
        return heads[0] if len(heads) == 1 and heads != was else None

    def _join(self, row: HouseholdYear) -> None:
        for at in self.reading.joined:
            told = self.edit.members[at]["joined"]
            joining = self._joining(at)
            if joining["year"].get(_RELATION) == HEAD:
                del joining["year"][_RELATION]
            member = members.add_member(
                household_year=row,
                **joining,
                kind=told["kind"],
                reason=f"{day_of(told['on']):%Y-%m-%d} {self.reason}".strip(),
                by=self.by,
            )
            self.numbers[at] = member.person.person_no

    def _head(self, row: HouseholdYear) -> None:
        """The new head, or the same one whose name or number was corrected."""
        head = self.head
        if head is None:
            self._rename(row)
            return
        numbers = {key_of(at, self.edit.members[at]): no for at, no in self.numbers.items()}
        relations = {
            numbers.get(one.key, one.key): str(one.year.get(_RELATION) or "")
            for one in self.after.members
            if one.key != head
        }
        members.change_head(
            household_year=row,
            person_no=numbers.get(head, head),
            relations=relations,
            reason=self.reason,
            by=self.by,
        )

    def _rename(self, row: HouseholdYear) -> None:
        for one in self.base.members:
            whose = f"members.{one.person.person_no}.person"
            told = {f"{whose}.name", f"{whose}.id_no"} & self.reading.sets.keys()
            if one.relation_to_head == HEAD and told:
                members.name_head(row, Person.objects.get(pk=one.person_id))

    def _leave(self, row: HouseholdYear) -> None:
        del row
        for at in self.reading.left:
            told = self.edit.members[at]
            on, member = day_of(told["left"]["on"]), self.base.member(told["person_no"])
            if on is not None and member is not None:
                members.remove_member(
                    person_year=member,
                    kind=told["left"]["kind"],
                    on=on,
                    reason=told["left"]["reason"],
                    by=self.by,
                )

    def _act(self, row: HouseholdYear, act: dict[str, Any]) -> None:
        if act["act"] == "move":
            member = self.base.member(act["person_no"])
            if member is None:
                raise UnfitError("该成员已不在本户，请刷新后重试。")
            members.move_member(
                person_year=member,
                to=self._target(act["to"]).household,
                kind=act["kind"],
                reason=self.reason,
                by=self.by,
            )
        elif act["act"] == "split":
            members.split_household(
                household_year=row,
                person_nos=act["person_nos"],
                head_person_no=act["head_person_no"],
                reason=self.reason,
                by=self.by,
            )
        elif act["act"] == "merge":
            members.merge_households(
                source=row, target=self._target(act["into"]), reason=self.reason, by=self.by
            )

    def _target(self, household_no: str) -> HouseholdYear:
        """Another household of the year, which whoever submits may edit too."""
        row = target_of(self.edit, household_no, self.by)
        if row is None:
            raise UnfitError(f"本年度没有您可以修改的户 {household_no}。")
        return row
