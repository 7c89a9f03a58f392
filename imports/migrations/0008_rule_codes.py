"""「必填项为空」 had a code that the register's check list gives to another rule (民族为空).

What was judged before keeps its meaning under the rule's own code.
"""

from django.db import migrations

RENAME = "UPDATE imports_problem SET rule = 'IMP21' WHERE rule = 'REQ01'"
RENAME_BACK = "UPDATE imports_problem SET rule = 'REQ01' WHERE rule = 'IMP21'"


class Migration(migrations.Migration):
    dependencies = [("imports", "0007_pushes")]

    operations = [migrations.RunSQL(RENAME, RENAME_BACK)]
