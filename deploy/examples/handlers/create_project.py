#!/usr/bin/env -S python3 -B
"""Writes the skeleton of a project. Running it again changes nothing that other orders wrote."""

from example_repo import field, main, project_folder, write


def create_project(order, bill):
    summary = bill.read(field(order["payload"], "summary", str))
    folder = project_folder(order, must_exist=False)
    name = folder.name
    # pyproject.toml is last: it is what tells other handlers that the project is complete.
    skeleton = {
        "README.md": f"# {name}\n\n{summary}\n\nTest it with `python3 -m unittest discover`.\n",
        f"{name}/__init__.py": f'"""{summary}"""\n',
        "tests/__init__.py": "",
        "docs/index.md": f"# {name}\n\nNo modules yet.\n",
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "0.1.0"\nrequires-python = ">=3.9"\n',
    }
    written = []
    for path, text in skeleton.items():
        if not (folder / path).exists():
            write(folder / path, bill.wrote(text))
            written.append(path)
    print(f"created {len(written)} of {len(skeleton)} files of {name}")
    return {"project": name, "files_written": written}


main(create_project)
