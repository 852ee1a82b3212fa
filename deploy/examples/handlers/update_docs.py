#!/usr/bin/env -S python3 -B
"""Writes a page for a module from its docstrings, and the project's index of all pages."""

import ast

from example_repo import field, locked, main, module_file, project_folder, write


def page(module, tree):
    lines = [f"# {module}", "", ast.get_docstring(tree) or "No description."]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            lines += ["", f"## `{node.name}({ast.unparse(node.args)})`", "", ast.get_docstring(node) or "Undocumented."]
    return "\n".join(lines) + "\n"


def update_docs(order, bill):
    folder = project_folder(order)
    written = []
    for module in field(order["payload"], "modules", list):
        tree = ast.parse(bill.read(module_file(folder, module).read_text(encoding="utf-8")))
        write(folder / "docs" / f"{module}.md", bill.wrote(page(module, tree)))
        written.append(f"{folder.name}/docs/{module}.md")

    # The index names every page, so two handlers must not build it from different views of the folder.
    with locked(folder):
        pages = sorted(path.stem for path in (folder / "docs").glob("*.md") if path.stem != "index")
        index = f"# {folder.name}\n\n" + "".join(f"- [{name}]({name}.md)\n" for name in pages)
        write(folder / "docs" / "index.md", bill.wrote(index))
    print(f"wrote {len(written)} pages; the index of {folder.name} has {len(pages)}")
    return {"files": written, "pages_in_index": len(pages)}


main(update_docs)
