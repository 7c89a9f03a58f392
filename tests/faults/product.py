"""`python -m tests.faults.product`: the product as `script/server` runs it, on a prepared directory.

Servers, web, both workers and beat under the product's own supervisor; no migrations, no demo city.
A second heavy worker stands for a second machine, so that somebody can take over from a frozen one.
The supervisor's patience is unlimited: it meets more deaths in a minute here than elsewhere in a year.
"""

import dataclasses
import os
import sys

from core.embedded import embedded_servers, leave_properly_when_terminated
from core.embedded.children import Child, Patience, Supervisor
from core.embedded.places import PROJECT, Places, var_directory
from core.embedded.supervisor import Address, be_the_only_one, children, say

# An application whose workers lack something the product relies on, for tests of the driver itself.
OTHER_APP = "FAULTS_CELERY_APP"


def all_children(places: Places, address: Address) -> list[Child]:
    """The product's own, and the second machine."""
    app = os.environ.get(OTHER_APP, "povertyops")
    own = []
    for child in children(places, address):
        command = [app if word == "povertyops" else word for word in child.command]
        own.append(dataclasses.replace(child, command=command))
    heavy = next(child for child in own if child.name == "worker-heavy")
    name = "worker-heavy2"
    command = [word.replace("worker-heavy-", f"{name}-") for word in heavy.command]
    second = dataclasses.replace(heavy, name=name, command=command, log=places.log / f"{name}.log")
    return [*own, second]


def main() -> int:
    leave_properly_when_terminated()
    places = Places(var_directory(os.environ))
    address = Address(os.environ)
    be_the_only_one(places)
    with embedded_servers() as servers:
        supervisor = Supervisor(
            all_children(places, address),
            var=places.var,
            cwd=PROJECT,
            servers=servers,
            patience=Patience(deaths=10**9, window=3.0, first_pause=0.1, grace=5.0),
            say=say,
        )
        supervisor.listen()
        return supervisor.run(address.healthy, lambda: say("ready"))


if __name__ == "__main__":
    sys.exit(main())
