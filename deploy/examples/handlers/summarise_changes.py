#!/usr/bin/env -S python3 -B
"""Summarises a project. With `"format": "chat"` it answers like a talkative model: prose around the JSON.

The exit status is then still 0, but the result file is no JSON, and Moose records the attempt as `malformed_output`.
"""

import json
import os
import pathlib

from example_repo import main, project_folder, source_files, write


def summarise_changes(order, bill):
    folder = project_folder(order)
    summary = {}
    for path in source_files(folder):
        summary[str(path.relative_to(folder))] = bill.read(path.read_text(encoding="utf-8")).count("\n")
    bill.wrote(json.dumps(summary))
    if order["payload"].get("format") == "chat":
        answer = f"Sure! Here is the summary:\n\n```json\n{json.dumps(summary, indent=2)}\n```\nAnything else?\n"
        write(pathlib.Path(os.environ["MOOSE_RESULT_FILE"]), answer)
        raise SystemExit(0)
    return {"project": folder.name, "lines_by_file": summary}


main(summarise_changes)
