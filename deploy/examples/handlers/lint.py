#!/usr/bin/env -S python3 -B
"""Reads every Python file of a project and reports style faults: long lines, tabs, trailing blanks, missing docs."""

import ast

from example_repo import HandlerError, main, project_folder, source_files


def faults_in(path, text, limit):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > limit:
            yield f"{path}:{number}: longer than {limit} columns"
        if "\t" in line:
            yield f"{path}:{number}: has a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: ends in blanks"
    if path.parts[0] == "tests":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and not ast.get_docstring(node):
            yield f"{path}:{node.lineno}: {node.name} has no docstring"
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{path}:{node.lineno}: catches everything"


def lint(order, bill):
    folder = project_folder(order)
    limit = order["payload"].get("max_columns", 120)
    files = source_files(folder)
    faults = []
    for path in files:
        faults += faults_in(path.relative_to(folder), bill.read(path.read_text(encoding="utf-8")), limit)
    if faults:
        raise HandlerError(
            f"style faults: {len(faults)}, the first: {faults[0]}",
            failure_class="lint_error",
            retry=False,
            result={"faults": faults[:100]},
        )
    print(f"{len(files)} files of {folder.name} are clean")
    return {"project": folder.name, "files": len(files), "faults": 0}


main(lint)
