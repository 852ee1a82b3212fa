#!/usr/bin/env -S python3 -B
"""Writes the unit tests of a module from a table of cases: function, arguments, and what is returned or raised."""

import ast
import keyword

from example_repo import EX_DATAERR, HandlerError, field, main, module_file, project_folder, write


def identifier(name):
    if not name.isidentifier() or keyword.iskeyword(name):
        raise HandlerError(f"{name!r} is no Python name", failure_class="invalid_input", status=EX_DATAERR)
    return name


def case_source(module, number, case):
    function = identifier(field(case, "function", str))
    arguments = ", ".join(repr(value) for value in field(case, "arguments", list))
    lines = [f"    def test_{number:02d}_{function}(self):"]
    if "raises" in case:
        lines += [
            f"        with self.assertRaises({identifier(case['raises'])}):",
            f"            {module}.{function}({arguments})",
        ]
    else:
        lines += [f"        self.assertEqual({module}.{function}({arguments}), {case['expected']!r})"]
    return "\n".join(lines)


def write_test(order, bill):
    payload = order["payload"]
    folder = project_folder(order)
    module = field(payload, "module", str)
    tree = ast.parse(bill.read(module_file(folder, module).read_text(encoding="utf-8")))
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    cases = field(payload, "cases", list)
    unknown = sorted({field(case, "function", str) for case in cases} - known)
    if unknown:
        raise HandlerError(
            f"{module} has no function {', '.join(unknown)}", failure_class="contract_violation", status=EX_DATAERR
        )

    name = "".join(part.capitalize() for part in module.split("_"))
    source = f"import unittest\n\nfrom {folder.name} import {module}\n\n\nclass {name}Tests(unittest.TestCase):\n"
    source += "\n\n".join(case_source(module, number, case) for number, case in enumerate(cases, 1)) + "\n"
    path = folder / "tests" / f"test_{module}.py"
    write(path, bill.wrote(source))
    print(f"wrote {path.relative_to(folder.parent)}: {len(cases)} tests")
    return {"file": str(path.relative_to(folder.parent)), "tests": len(cases), "covers": sorted(known)}


main(write_test)
