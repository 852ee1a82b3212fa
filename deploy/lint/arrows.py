#!/usr/bin/env python3
"""Holds the sentence of CONTRIBUTING.md about dependencies against Package.swift and against what the sources import.

    deploy/lint/arrows.py                checks this repository
    deploy/lint/arrows.py --self-test    the checker's own samples

The sentence names every target of ours in layers, the lowest first (`C*` are the system libraries), and those that
depend on nothing of ours. A target may depend on what stands in a lower layer, and on those. What it imports must be
among its dependencies, and what it depends on must be imported somewhere.
"""

import pathlib
import re
import sys

SENTENCE = re.compile(
    r"Dependencies point one way: `(?P<layers>[^`]+)`;\s+(?P<leaves>[^.]+) depend on nothing of ours\."
)
TARGET = re.compile(
    r'(?P<shared>\bshared\()\s*"(?P<name>\w+)"|\.(?:executableTarget|target)\(\s*name: "(?P<other>\w+)"'
    r'|\.systemLibrary\(name: "(?P<system>\w+)"'
)
PRODUCT = re.compile(r"\.product\([^()]*\)")
PATH = re.compile(r'path: "([^"]*)"')
IMPORT = re.compile(
    r"^(?:@\w+\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)",
    re.MULTILINE,
)


def layers(text):
    """The layer of each target by its name, and the names that depend on nothing; the layer of `C*` is 0."""
    found = SENTENCE.search(text)
    if not found:
        raise ValueError("CONTRIBUTING.md: the sentence “Dependencies point one way: …” is not there as it was")
    rank = {}
    for number, layer in enumerate(found["layers"].split("<")):
        for name in layer.split(","):
            rank[name.strip()] = number
    return rank, set(re.findall(r"`(\w+)`", found["leaves"]))


def block(text, start):
    """The text up to the parenthesis that closes the one before `start`."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return text[start:]


def targets(manifest):
    """The dependencies and the folder of each target of ours that isn't for tests."""
    listed = manifest[manifest.index("targets: [", manifest.index("dependencies: [\n")) :]
    result = {}
    for match in TARGET.finditer(listed):
        name = match["name"] or match["other"] or match["system"]
        body = block(listed, listed.index("(", match.start()) + 1)
        path = PATH.search(body)
        folder = f"Sources/Shared/{name}" if match["name"] or match["system"] else f"Sources/{name}"
        folder = path[1] if path else folder
        names = re.findall(r'"(\w+)"', PRODUCT.sub("", body))
        if not folder.startswith("Tests/"):
            result[name] = (set(names) - {name}, folder)
    # What stands in quotes and is no target of ours is a package, a folder of resources, and the like.
    return {name: (deps & result.keys(), folder) for name, (deps, folder) in result.items()}


def faults(rank, leaves, found, imports):
    """What is wrong, a line each. `imports` has the modules that a target's sources import."""

    def place(name):
        if name in rank:
            return rank[name]
        if name in leaves:
            return -1
        return 0 if name.startswith("C") and name[1:2].isupper() and "C*" in rank else None

    for name in (rank.keys() | leaves) - found.keys() - {"C*"}:
        yield f"CONTRIBUTING.md: {name} is no target of Package.swift"
    for name, (dependencies, folder) in found.items():
        if place(name) is None:
            yield f"CONTRIBUTING.md: say where {name} stands"
            continue
        for other in sorted(dependencies):
            above = place(other)
            if above is not None and (name in leaves or above >= place(name)):
                yield f"Package.swift: {name} must not depend on {other}, which does not stand below it"
        used = imports.get(name, set()) & found.keys()
        for other in sorted(used - dependencies - {name}):
            yield f"{folder}: imports {other}, which is not among the dependencies of {name} in Package.swift"
        for other in sorted(dependencies - used):
            yield f"Package.swift: nothing in {folder} imports {other}: {name} needs no such dependency"


def imported(folder):
    """The modules that the Swift files below a folder import."""
    return {
        module
        for path in pathlib.Path(folder).rglob("*.swift")
        for module in IMPORT.findall(path.read_text(encoding="utf-8"))
    }


def self_test():
    text = "Dependencies point one way: `C* < Low, Side < High`;\n`Pure` and `Plain` depend on nothing of ours. More."
    rank, leaves = layers(text)
    manifest = """
        dependencies: [
            .package(url: "https://x/y", from: "1.0.0")
        ],
        targets: [
            .systemLibrary(name: "CX", path: "Sources/Shared/CX"),
            shared("Pure"),
            shared("Low", ["CX", "Pure", .product(name: "Side", package: "swift-side")], resources: [.copy("High")]),
            .target(name: "High", dependencies: ["Low", "Plain"], swiftSettings: strict),
            .target(name: "TestSupport", dependencies: ["High"], path: "Tests/Support"),
            tests("Low", ["High"]),
        ]
    """
    read = targets(manifest)
    good = {name: (set(), name) for name in ("CX", "Plain", "Pure", "Side")}
    good |= {"Low": ({"CX"}, "L"), "High": ({"Low"}, "H")}

    def count(change, imports=None):
        found = {**good, **change}
        return len(list(faults(rank, leaves, found, imports or {name: deps for name, (deps, _) in found.items()})))

    checks = {
        "layers": (rank, leaves) == ({"C*": 0, "Low": 1, "Side": 1, "High": 2}, {"Pure", "Plain"}),
        "targets": read["Low"] == ({"CX", "Pure", "High"}, "Sources/Shared/Low") and read["High"][0] == {"Low"},
        "tests are none": "TestSupport" not in read and len(read) == 4,
        "all is well": count({}) == 0,
        "an arrow up": count({"Low": ({"High"}, "L")}) == 1,
        "an arrow to the side": count({"Low": ({"Side"}, "L")}) == 1,
        "a leaf that depends": count({"Pure": ({"Plain"}, "U")}) == 1,
        "a target nobody placed": count({"New": (set(), "N")}) == 1,
        "a name without a target": len(list(faults(rank, leaves, {}, {}))) == 5,
        "an import without a dependency": count({"High": (set(), "H")}, {"Low": {"CX"}, "High": {"Low"}}) == 1,
        "a dependency without an import": count({}, {"Low": {"CX"}}) == 1,
        "imports": IMPORT.findall("@testable import A\npackage import B\nimport struct C.D\n// import E\n") == list("ABC"),
    }
    for name, holds in checks.items():
        if not holds:
            print(f"arrows: judged wrongly: {name}", file=sys.stderr)
    return 0 if all(checks.values()) else 1


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    rank, leaves = layers(pathlib.Path("CONTRIBUTING.md").read_text(encoding="utf-8"))
    found = targets(pathlib.Path("Package.swift").read_text(encoding="utf-8"))
    problems = list(faults(rank, leaves, found, {name: imported(folder) for name, (_, folder) in found.items()}))
    for problem in problems:
        print(f"{problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
