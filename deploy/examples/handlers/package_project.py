#!/usr/bin/env -S python3 -B
"""Packs a project into a reproducible archive under `dist`, and reports its size and SHA-256."""

import gzip
import hashlib
import io
import os
import tarfile
import tempfile

from example_repo import main, project_folder, repository


def packed(folder):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.name.startswith(".") or "__pycache__" in path.parts:
                continue
            entry = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            content = path.read_bytes()
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    # No time stamp: the same files give the same bytes.
    return gzip.compress(buffer.getvalue(), mtime=0)


def package_project(order, bill):
    folder = project_folder(order)
    content = packed(folder)
    target = repository() / "dist" / f"{folder.name}-0.1.0.tar.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(temporary, target)
    print(f"packed {folder.name}: {len(content)} bytes")
    return {"archive": f"dist/{target.name}", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


main(package_project)
