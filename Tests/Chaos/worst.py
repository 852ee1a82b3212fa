"""The settings that every session of Moose pins, each at its worst: the list of Tests/PostgresTests/SessionTests.swift."""
import os
import re

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../PostgresTests/SessionTests.swift")


def settings():
    """Name, the worst value, and what Moose has instead."""
    with open(LIST) as file:
        block = re.search(r"static let worst: .*?= \[\n(.*?)\n    \]", file.read(), re.DOTALL).group(1)
    found = re.findall(r'\("([\w.]+)", "([^"]*)", "([^"]*)"\)', block)
    if len(found) < 40 or len(found) != block.count('("'):
        raise SystemExit(f"{LIST}: read {len(found)} settings of {block.count('(')}")
    return found


def quoted(value):
    return "'" + value.replace("'", "''") + "'"


def statements(role, database, spared):
    """Sets all of them for a role, for the database and for the role in the database; not for the spared role."""
    lines = [f"ALTER ROLE {spared} IN DATABASE {database} SET {name} TO {quoted(ours)};" for name, _, ours in settings()]
    for name, bad, _ in settings():
        for place in (f"ROLE {role}", f"ROLE {role} IN DATABASE {database}", f"DATABASE {database}"):
            lines.append(f"ALTER {place} SET {name} TO {quoted(bad)};")
    return "\n".join(lines)
