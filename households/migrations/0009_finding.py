"""Finding by pinyin: readings of characters and of the names that occur, and narrow indexes."""

from typing import Any

from django.db import migrations, models

# Readings of characters as surnames, where they differ from the usual one. All but 黑 (he) are among
# the readings that pypinyin knows of the character; which of them is the surname's is what the
# dictionaries of surnames say.
SURNAMES = {
    "单": "shan", "解": "xie", "仇": "qiu", "区": "ou", "朴": "piao", "查": "zha", "曾": "zeng",
    "盖": "ge", "乐": "yue", "尉": "yu", "翟": "zhai", "洗": "xian", "缪": "miao", "覃": "qin",
    "种": "chong", "重": "chong", "秘": "bi", "繁": "po", "员": "yun", "祭": "zhai", "召": "shao",
    "折": "she", "黑": "he", "牟": "mu", "郇": "xun", "阚": "kan", "佴": "nai", "隗": "wei",
    "乜": "nie", "句": "gou", "卜": "bu", "长": "chang", "参": "shen",
}  # fmt: skip
# Surnames that families read in two ways. Of the others above the usual reading is the second one:
# so types who does not know better.
SECOND = {
    "谌": "shen", "宓": "fu", "贲": "fei", "郗": "chi", "郄": "xi", "莘": "xin",
}  # fmt: skip

FUNCTIONS = """
CREATE FUNCTION names_read() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    fresh text[];
BEGIN
    IF TG_TABLE_NAME = 'households_person' THEN
        fresh := ARRAY(SELECT DISTINCT n.name FROM new_rows n WHERE NOT EXISTS (
            SELECT FROM households_namereading r WHERE r.name = n.name));
    ELSE
        fresh := ARRAY(SELECT DISTINCT n.head_name FROM new_rows n
            WHERE n.head_name <> '' AND NOT EXISTS (
                SELECT FROM households_namereading r WHERE r.name = n.head_name));
    END IF;
    IF cardinality(fresh) > 0 THEN
        PERFORM read_names(fresh);
    END IF;
    RETURN NULL;
END $body$;

-- A letter or digit reads as itself, a dot between names as nothing.
CREATE FUNCTION read_plain(sign text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$body$ SELECT CASE WHEN lower(sign) BETWEEN '0' AND '9' OR lower(sign) BETWEEN 'a' AND 'z'
                   THEN lower(sign) ELSE '' END $body$;

CREATE FUNCTION read_names(names text[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp SET enable_nestloop = off AS $body$
    INSERT INTO households_namereading (name, initials, pinyin, other_initials, other_pinyin)
    SELECT name, left(s1, 1) || left(s2, 1) || left(s3, 1) || left(s4, 1), s1 || s2 || s3 || s4,
           CASE WHEN o1 <> '' THEN left(o1, 1) || left(s2, 1) || left(s3, 1) || left(s4, 1) ELSE '' END,
           CASE WHEN o1 <> '' THEN o1 || s2 || s3 || s4 ELSE '' END
      FROM (SELECT n.name, coalesce(h1.other, '') AS o1,
                   CASE left(n.name, 2) WHEN '尉迟' THEN 'yu' WHEN '万俟' THEN 'mo'
                       WHEN '长孙' THEN 'zhang' WHEN '澹台' THEN 'tan' WHEN '单于' THEN 'chan'
                       ELSE coalesce(h1.surname, read_plain(substr(n.name, 1, 1))) END AS s1,
                   CASE left(n.name, 2) WHEN '万俟' THEN 'qi'
                       ELSE coalesce(h2.sound, read_plain(substr(n.name, 2, 1))) END AS s2,
                   coalesce(h3.sound, read_plain(substr(n.name, 3, 1))) AS s3,
                   coalesce(h4.sound, read_plain(substr(n.name, 4, 1))) AS s4
              FROM unnest(names) AS n (name)
              LEFT JOIN households_hanzi h1 ON h1.sign = substr(n.name, 1, 1)
              LEFT JOIN households_hanzi h2 ON h2.sign = substr(n.name, 2, 1)
              LEFT JOIN households_hanzi h3 ON h3.sign = substr(n.name, 3, 1)
              LEFT JOIN households_hanzi h4 ON h4.sign = substr(n.name, 4, 1)
             WHERE length(n.name) <= 4) AS usual
    UNION ALL
    -- Longer names are rare, and take the slower way: letter by letter.
    SELECT name, left(string_agg(left(sound, 1), '' ORDER BY place), 60),
           left(string_agg(sound, '' ORDER BY place), 400), '', ''
      FROM (SELECT n.name, c.place,
                   coalesce(CASE c.place WHEN 1 THEN h.surname ELSE h.sound END,
                            read_plain(c.sign)) AS sound
              FROM unnest(names) AS n (name)
             CROSS JOIN LATERAL string_to_table(n.name, NULL)
                   WITH ORDINALITY AS c (sign, place)
              LEFT JOIN households_hanzi h ON h.sign = c.sign
             WHERE length(n.name) > 4) AS longer
     GROUP BY name
     ORDER BY 3
    ON CONFLICT DO NOTHING
$body$;

REVOKE ALL ON FUNCTION read_names(text[]) FROM PUBLIC;

CREATE TRIGGER names_inserted AFTER INSERT ON households_person
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION names_read();
CREATE TRIGGER names_updated AFTER UPDATE ON households_person
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION names_read();
CREATE TRIGGER names_inserted AFTER INSERT ON households_householdyear
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION names_read();
CREATE TRIGGER names_updated AFTER UPDATE ON households_householdyear
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION names_read();
"""
UNDO = """
DROP FUNCTION names_read() CASCADE;
DROP FUNCTION read_names(text[]);
DROP FUNCTION read_plain(text);
"""
# Ranges serve prefixes here; Django's second index for LIKE would only slow the import.
NO_LIKE = """
DO $body$
DECLARE
    spare text;
BEGIN
    FOR spare IN SELECT indexname FROM pg_indexes WHERE schemaname = 'public'
        AND tablename IN ('households_namereading', 'households_hanzi')
        AND indexname LIKE '%\\_like' LOOP
        EXECUTE format('DROP INDEX %I', spare);
    END LOOP;
END $body$;
"""
PRESENT = """
SELECT read_names(ARRAY(SELECT name FROM households_person UNION
                        SELECT head_name FROM households_householdyear WHERE head_name <> ''));
"""


def fill(apps: Any, _editor: Any) -> None:
    """The readings of all characters of the two common Unicode blocks."""
    from pypinyin import Style, lazy_pinyin

    hanzi = apps.get_model("households", "Hanzi")
    found = []
    for point in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000), 0x3007):
        sign = chr(point)
        sound = lazy_pinyin(sign, style=Style.NORMAL, errors="ignore")
        if sound and sound[0].isascii() and sound[0].isalpha():
            surname = SURNAMES.get(sign, sound[0])
            other = SECOND.get(sign, "" if surname == sound[0] else sound[0])
            found.append(hanzi(sign=sign, sound=sound[0], surname=surname, other=other))
    hanzi.objects.bulk_create(found, batch_size=5_000)


class Migration(migrations.Migration):
    dependencies = [("households", "0008_bookings_outlive_rows")]

    operations = [
        migrations.CreateModel(
            "Hanzi",
            [
                ("sign", models.CharField(
                    max_length=1, primary_key=True, serialize=False, verbose_name="字")),
                ("sound", models.CharField(max_length=8, verbose_name="读音")),
                ("surname", models.CharField(max_length=8, verbose_name="作姓氏的读音")),
                ("other", models.CharField(blank=True, max_length=8, verbose_name="作姓氏的又读")),
            ],
            options={"verbose_name": "汉字读音"},
        ),
        migrations.CreateModel(
            "NameReading",
            [
                ("name", models.CharField(
                    max_length=60, primary_key=True, serialize=False, verbose_name="姓名")),
                ("initials", models.CharField(max_length=60, verbose_name="拼音首字母")),
                ("pinyin", models.CharField(max_length=400, verbose_name="全拼")),
                ("other_initials", models.CharField(blank=True, max_length=60, verbose_name="又读首字母")),
                ("other_pinyin", models.CharField(blank=True, max_length=400, verbose_name="又读全拼")),
            ],
            options={
                "verbose_name": "姓名读音",
                "indexes": [
                    models.Index(fields=["initials", "name"], name="name_by_initials"),
                    models.Index(fields=["pinyin", "name"], name="name_by_pinyin"),
                    models.Index(condition=models.Q(("other_initials", ""), _negated=True), fields=["other_initials", "name"], name="name_by_other_initials"),
                    models.Index(condition=models.Q(("other_pinyin", ""), _negated=True), fields=["other_pinyin", "name"], name="name_by_other_pinyin"),
                ],
            },
        ),
        # Finding goes from a name to the household, from these indexes alone.
        migrations.RemoveIndex("person", "person_by_name"),
        migrations.AddIndex(
            "person", models.Index(fields=["name", "household"], name="person_by_name")
        ),
        migrations.AddIndex(
            "householdyear",
            models.Index(
                fields=["partition", "head_name", "household"], name="household_year_head_name"
            ),
        ),
        migrations.RunSQL(NO_LIKE, migrations.RunSQL.noop),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        migrations.RunSQL(FUNCTIONS, UNDO),
        migrations.RunSQL(PRESENT, migrations.RunSQL.noop),
    ]  # fmt: skip
