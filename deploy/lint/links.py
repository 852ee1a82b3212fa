#!/usr/bin/env python3
"""Refuses a link in a document of this repository that leads to no file, or to no heading of it.

    deploy/lint/links.py                checks every *.md
    deploy/lint/links.py --self-test    the checker's own samples
"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def anchors(text):
    """The headings of a page, as GitHub names them."""
    found = set()
    for line in CODE.sub(lambda code: code[0] if "\n" not in code[0] else "", text).splitlines():
        heading = re.match(r"#+ +(.*)", line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "")
            found.add(re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-"))
    return found


def broken(page, text, exists, read):
    """What of a page's links leads nowhere."""
    for target in LINK.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not exists(file):
            yield f"{page}: {target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(read(file)):
            yield f"{page}: {target}: there is no such heading"


def self_test():
    pages = {"docs/a.md": "# One `two`\n[b](b.md#three)\n```\n[c](c.md)\n```\n`[d](d.md)`", "docs/b.md": "## Three"}
    exists = lambda file: str(file) in pages
    read = lambda file: pages[str(file)]
    page = pathlib.PurePosixPath("docs/a.md")
    assert list(broken(page, pages["docs/a.md"], exists, read)) == []
    assert anchors(pages["docs/a.md"]) == {"one-two"}
    for bad in ("[x](c.md)", "[x](b.md#four)", "[x](#two)"):
        assert len(list(broken(page, bad, exists, read))) == 1, bad
    assert list(broken(page, "[x](https://example.org) [y](#one-two)", exists, lambda _: pages["docs/a.md"])) == []


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    read = lambda file: file.read_text(encoding="utf-8")
    faults = [
        fault for name in listed.stdout.splitlines()
        if (page := pathlib.Path(name)).exists()
        for fault in broken(page, read(page), lambda file: file.exists(), read)
    ]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
