#!/usr/bin/env -S python3 -B
"""Writes a module from a specification: a summary, imports, constants, and functions with signature, text and body."""

import ast

from example_repo import EX_DATAERR, HandlerError, field, main, module_file, project_folder, write


def function_source(function):
    lines = [f"def {field(function, 'signature', str)}:", f'    """{field(function, "doc", str)}"""']
    lines += [f"    {line}" if line else "" for line in field(function, "body", list)]
    return "\n".join(lines)


def generate_file(order, bill):
    payload = order["payload"]
    folder = project_folder(order)
    path = module_file(folder, field(payload, "module", str), must_exist=False)
    for text in [payload.get("summary", ""), *order.get("acceptance_criteria", [])]:
        bill.read(text)

    head = [f'"""{field(payload, "summary", str)}"""']
    sections = ["\n".join(part) for part in (head, payload.get("imports", []), payload.get("constants", [])) if part]
    source = "\n\n".join(sections)
    source += "".join(f"\n\n\n{function_source(function)}" for function in field(payload, "functions", list)) + "\n"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise HandlerError(
            f"the specification gives no valid Python: {error.msg} in line {error.lineno}",
            failure_class="compile_error",
            status=EX_DATAERR,
            result={"source": source[:2000]},
        ) from error

    write(path, bill.wrote(source))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    print(f"wrote {path.relative_to(folder.parent)}: {len(source)} characters, functions {', '.join(functions)}")
    return {"file": str(path.relative_to(folder.parent)), "functions": functions, "lines": source.count("\n")}


main(generate_file)
