#!/usr/bin/env -S python3 -B
"""Gets test data from a mirror that needs some attempts to warm up: the passing trouble that retries are for."""

import csv
import io
import os

from example_repo import EX_TEMPFAIL, HandlerError, checked, field, main, MODULE_NAME, project_folder, write


def fetch_fixture(order, bill):
    payload = order["payload"]
    folder = project_folder(order)
    attempt = int(os.environ["MOOSE_ATTEMPT"])
    cold_attempts = field(payload, "cold_attempts", int)
    if attempt <= cold_attempts:
        raise HandlerError(
            f"the mirror is warming up (attempt {attempt}, ready after {cold_attempts})",
            failure_class="infrastructure",
            status=EX_TEMPFAIL,
        )
    rows = field(payload, "rows", int)
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["number", "square", "cube"])
    table.writerows([n, n * n, n * n * n] for n in range(1, rows + 1))
    name = checked(payload.get("name"), MODULE_NAME, "payload.name")
    write(folder / "tests" / "fixtures" / f"{name}.csv", bill.read(buffer.getvalue()))
    print(f"fetched {rows} rows on attempt {attempt}")
    return {"file": f"{folder.name}/tests/fixtures/{name}.csv", "rows": rows, "attempt": attempt}


main(fetch_fixture)
