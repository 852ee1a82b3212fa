"""What the scripts beside this one share: SQL with a piece broken, the tests that should notice, and the verdict."""

import os
import pathlib
import re
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "Sources/Shared/Store/Functions"
# How long the tests of one mutant may take, in seconds; unbroken they take a minute or two.
LIMIT = 900
# Another way to run the built tests, given as one line.
RUN = os.environ.get("MOOSE_TEST_RUNNER", "deploy/stack/run-tests.sh").split()


def definition(name):
    """The statement that makes the function, or the view."""
    made = rf"CREATE OR REPLACE (?:FUNCTION moose\.{name}\(.*?(?:\$\$|\nRETURN [^;]*)|VIEW moose\.{name} .*?);\n"
    found = [
        match.group() for file in sorted(FUNCTIONS.glob("*.sql"))
        for match in re.finditer(made, file.read_text(encoding="utf-8"), re.DOTALL)]
    if len(found) != 1:
        raise SystemExit(f"{FUNCTIONS.relative_to(ROOT)} has {name} {len(found)} times, and a mutant wants it once")
    return found[0]


def mutated(name, *changes):
    """The function or view with each old text replaced by the new one that follows it."""
    text = definition(name)
    for old, new in zip(changes[::2], changes[1::2]):
        if old not in text:
            raise SystemExit(f"{name} no longer has: {old}")
        text = text.replace(old, new)
    return text


def failures(sql, tests):
    """The tests and suites that fail with this SQL in place."""
    run = subprocess.Popen(
        [*RUN, "--filter", tests], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"MOOSE_TEST_MUTANT": sql}, start_new_session=True)
    try:
        log = run.communicate(timeout=LIMIT)[0]
    except subprocess.TimeoutExpired:
        # Work that never ends is noticed, too. Whatever the run has started ends with it, and takes its servers away.
        os.killpg(run.pid, signal.SIGTERM)
        run.communicate()
        return ["they do not end"]
    if "Test run with" not in log:
        # A test that trips over what is missing takes the others with it: what had failed by then has noticed.
        noticed = set(re.findall(r'✘ Test "?(.+?)"? recorded an issue', log))
        if "crashed" not in log or not noticed:
            raise SystemExit(f"the tests did not run to their end:\n{log[-2000:]}")
        return sorted(noticed)
    if "Test run with 0 tests" in log:
        raise SystemExit(f"no test is called {tests}")
    return sorted(set(re.findall(r'✘ (?:Test|Suite) (?!run with)"?(.+?)"? (?:with \d+ test cases )?failed after', log)))


def main(names, cases):
    """Cases: name, SQL, and the tests to try, the quick ones first. They are all made before the first runs, so that a place
    in the SQL that is gone is told at once. Returns the exit status."""
    cases = [case for case in cases if not names or case[0] in names]
    survivors = []
    for name, sql, filters in cases:
        caught = next((found for tests in filters if (found := failures(sql, tests))), [])
        print(f"{name}: {'; '.join(caught[:3]) or 'SURVIVED'}", flush=True)
        if not caught:
            survivors.append(name)
    return 1 if survivors else 0
