"""`python -m tests.faults [--injections 60] [--seed 1] [--seconds 0] [--report FILE]`."""

import argparse
import random
import sys
from pathlib import Path

from tests.faults import drive, plan


def say(text: str) -> None:
    """At once: a run may take an hour."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--injections", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--seconds", type=float, default=0.0, help="stop drawing after so long")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--other-app", default="", help="Celery application of the workers")
    parser.add_argument("--only", choices=plan.ALONE, help="this one fault instead of a plan")
    parser.add_argument("--keep", action="store_true", help="leave the rig's directory behind")
    options = parser.parse_args()
    say(f"seed {options.seed}")
    report = drive.run(
        seed=options.seed,
        count=options.injections,
        seconds=options.seconds,
        other_app=options.other_app,
        stories=[plan.Story("410324", (plan.ALONE[options.only],))] if options.only else None,
        say=say,
        keep=options.keep,
    )
    say(report.table())
    say(f"{report.seconds:.0f} s, broken: {len(report.broken)}, unreached: {report.unreached}")
    if options.report:
        drive.written(report, options.report)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
