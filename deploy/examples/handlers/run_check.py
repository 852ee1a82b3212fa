#!/usr/bin/env -S python3 -B
"""Compiles a module and runs its unit tests. A test that fails is a fact about the code: no retry would change it."""

import re
import subprocess
import sys

from example_repo import HandlerError, field, main, module_file, project_folder


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def run_check(order, bill):
    folder = project_folder(order)
    module = field(order["payload"], "module", str)
    source = module_file(folder, module)
    test = folder / "tests" / f"test_{module}.py"
    if not test.is_file():
        raise HandlerError(f"{module} has no tests. Run a write_test order", failure_class="dependency_missing")

    for path in (source, test):
        compiled = run(folder, "-m", "py_compile", str(path))
        if compiled.returncode != 0:
            raise HandlerError(
                f"{path.name} does not compile: {compiled.stderr.strip()[-500:]}",
                failure_class="compile_error",
                retry=False,
            )

    tests = run(folder, "-m", "unittest", f"tests.test_{module}")
    print(tests.stderr, file=sys.stderr, end="")
    counted = re.search(r"^Ran (\d+) tests?", tests.stderr, re.MULTILINE)
    count = int(counted.group(1)) if counted else 0
    if tests.returncode != 0:
        failing = re.findall(r"^(?:FAIL|ERROR): (\w+)", tests.stderr, re.MULTILINE)
        raise HandlerError(
            f"{len(failing)} of {count} tests of {module} failed: {', '.join(failing)}",
            failure_class="test_fail",
            retry=False,
            result={"tests": count, "failing": failing, "output": tests.stderr[-2000:]},
        )
    if count == 0:
        raise HandlerError(f"no test of {module} was run", failure_class="test_fail", retry=False)
    return {"module": module, "tests": count}


main(run_check)
