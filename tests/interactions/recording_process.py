"""A process that records until it is killed: `python -m tests.interactions.recording_process FOLDER NAME POLICY`.

It says what it was promised, a line each, written by one write(2): `opened ID` and `saved ID`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.interactions.records import CALLER, Record, answered, facts, request


def main(folder: str, name: str, policy: str) -> None:
    record = Record(Path(folder), **json.loads(policy))
    record.interactions.start()
    asked = request("q" * 500)
    for number in range(1_000_000):
        known = facts(f"{name}-{number}")
        record.interactions.open(CALLER, asked, known)
        os.write(1, b"opened %s\n" % known.row_id.encode())
        record.interactions.save_interaction(CALLER, asked, known, answered(f"answer to {known.row_id}"))
        os.write(1, b"saved %s\n" % known.row_id.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
