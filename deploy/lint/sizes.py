#!/usr/bin/env python3
"""Refuses what has grown over the sizes that keep it readable, in Sources and Tests.

    deploy/lint/sizes.py                checks this repository
    deploy/lint/sizes.py --self-test    the checker's own samples

A Swift file has at most 400 lines; a function of the product at most 60; a folder of the product at most 22 files, but
for Store/Functions, which is a list by name.
"""

import pathlib
import re
import sys

FILE, FUNCTION, FOLDER = 400, 60, 22
LISTS = {"Sources/Shared/Store/Functions"}
BEGIN = re.compile(r"^( *)(?:@\w+(?:\([^)]*\))? )*(?:[a-z]+(?:\(\w+\))? )*(func \S+|init[?(<]|deinit|subscript)")


def functions(lines):
    """The name and the length of each function with a body of its own."""
    for first, line in enumerate(lines):
        begin = BEGIN.match(line)
        if not begin:
            continue
        indent = begin[1]
        for last in range(first, len(lines)):
            if lines[last].startswith(indent + "}") or last == first and line.endswith("}"):
                yield begin[2], first + 1, last - first + 1
                break
            # A requirement of a protocol has no body.
            following = BEGIN.match(lines[last]) if last > first else None
            if following and following[1] == indent:
                break


def faults(name, text, is_product):
    lines = text.splitlines()
    if len(lines) > FILE:
        yield f"{name}: {len(lines)} lines; {FILE} are allowed. Split it"
    for function, line, length in functions(lines) if is_product else ():
        if length > FUNCTION:
            yield f"{name}:{line}: {function} has {length} lines; {FUNCTION} are allowed. Split it by what it does"


def self_test():
    def sample(length):
        return "struct A {\n    func f(\n        a: Int\n    ) {\n" + "        a()\n" * (length - 4) + "    }\n}\n"

    assert [length for _, _, length in functions(sample(9).splitlines())] == [9]
    assert list(faults("a", sample(FUNCTION), True)) == []
    assert len(list(faults("a", sample(FUNCTION + 1), True))) == 1
    assert list(faults("a", sample(FUNCTION + 1), False)) == []
    assert len(list(faults("a", "\n" * (FILE + 1), False))) == 1
    protocol = "protocol P {\n    func f()\n    func g()\n}\n".splitlines()
    assert list(functions(protocol)) == []


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = []
    for root in (pathlib.Path("Sources"), pathlib.Path("Tests")):
        for file in sorted(root.rglob("*.swift")):
            found += faults(str(file), file.read_text(encoding="utf-8"), root.name == "Sources")
    for folder in sorted(path for path in pathlib.Path("Sources").rglob("*") if path.is_dir()):
        count = sum(1 for path in folder.iterdir() if path.is_file())
        if count > FOLDER and str(folder) not in LISTS:
            found.append(f"{folder}: {count} files; {FOLDER} are allowed. Give it folders")
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
