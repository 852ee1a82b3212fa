"""What the example handlers share: the work order, the folder they work in, the result file, and prices.

A handler is any program. Moose gives it the work order as JSON on standard input and three environment variables:
MOOSE_WORK_ORDER_ID, MOOSE_ATTEMPT and MOOSE_RESULT_FILE. The exit status says how it went:

    0       success
    75      a passing trouble, try again (EX_TEMPFAIL)
    65, 78  will never work: bad input (EX_DATAERR), bad configuration (EX_CONFIG)
    other   this attempt failed; tried again unless the result file says "retry": false

Several handlers run at once, also on the same project. Every file is therefore written under another name and renamed.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import resource
import sys
import tempfile
from decimal import ROUND_UP, Decimal

EX_DATAERR = 65
EX_TEMPFAIL = 75

# USD a token, as language models are billed; a token is about four characters of code.
INPUT_PRICE = Decimal("0.000003")
OUTPUT_PRICE = Decimal("0.000015")
CHARACTERS_PER_TOKEN = 4
# USD a second of processor time, as a build machine is billed.
PROCESSOR_PRICE = Decimal("0.0002")

PROJECT_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MODULE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class HandlerError(Exception):
    """Ends the attempt. `retry=None` leaves the decision to Moose's rule for the exit status."""

    def __init__(self, message, *, failure_class="unknown", status=1, retry=None, result=None):
        super().__init__(message)
        self.failure_class = failure_class
        self.status = status
        self.retry = retry
        self.result = result


class Bill:
    """Adds up what an attempt really used: characters read and written, and processor time."""

    def __init__(self):
        self.characters_in = 0
        self.characters_out = 0

    def read(self, text):
        self.characters_in += len(text)
        return text

    def wrote(self, text):
        self.characters_out += len(text)
        return text

    @property
    def tokens_in(self):
        return -(-self.characters_in // CHARACTERS_PER_TOKEN)

    @property
    def tokens_out(self):
        return -(-self.characters_out // CHARACTERS_PER_TOKEN)

    def usd(self):
        """The cost as a decimal string, rounded up to whole micro-dollars."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(Decimal(str(one.ru_utime + one.ru_stime)) for one in used)
        total = self.tokens_in * INPUT_PRICE + self.tokens_out * OUTPUT_PRICE + seconds * PROCESSOR_PRICE
        return str(total.quantize(Decimal("0.000001"), rounding=ROUND_UP))


def repository():
    """The folder all example projects live in."""
    return pathlib.Path(os.environ.get("MOOSE_EXAMPLE_REPO") or ".moose/example-repo").resolve()


def project_folder(order, *, must_exist=True):
    """The folder of the order's project. The name is checked, so it can't point outside the repository."""
    name = checked(order.get("project"), PROJECT_NAME, "project")
    folder = repository() / name
    if must_exist and not (folder / "pyproject.toml").is_file():
        raise HandlerError(
            f"project {name} does not exist. It has no pyproject.toml. Run a create_project order first",
            failure_class="dependency_missing",
        )
    return folder


def module_file(folder, module, *, must_exist=True):
    """The file of a module of a project: the package has the project's name."""
    path = folder / folder.name / f"{checked(module, MODULE_NAME, 'payload.module')}.py"
    if must_exist and not path.is_file():
        raise HandlerError(
            f"module {module} does not exist. Run a generate_file order first", failure_class="dependency_missing"
        )
    return path


def source_files(folder):
    """Every Python file of a project, in a stable order."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def checked(value, pattern, name):
    """The value, if it is a string that matches as a whole."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise HandlerError(
            f"{name} is {value!r}. It must match {pattern.pattern}. Publish a corrected order under a new id",
            failure_class="invalid_input",
            status=EX_DATAERR,
        )
    return value


def field(owner, name, kind, *, of="payload"):
    """A required field of an object, of the given type."""
    value = owner.get(name) if isinstance(owner, dict) else None
    if not isinstance(value, kind):
        raise HandlerError(
            f"{of}.{name} is missing or of the wrong type. Publish a corrected order under a new id",
            failure_class="invalid_input",
            status=EX_DATAERR,
        )
    return value


def write(path, text):
    """Writes a whole file or nothing: other handlers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


@contextlib.contextmanager
def locked(folder):
    """One handler at a time, for a file that several handlers rewrite. The lock ends with the process."""
    with open(folder / ".lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def report(**fields):
    """Writes the result file, leaving out what is None."""
    known = {name: value for name, value in fields.items() if value is not None}
    write(pathlib.Path(os.environ["MOOSE_RESULT_FILE"]), json.dumps(known))


def main(work):
    """Runs `work(order, bill)` on the order from standard input and reports its result or failure."""
    bill = Bill()
    try:
        try:
            order = json.load(sys.stdin)
        except ValueError as error:
            raise HandlerError(
                f"standard input is not JSON: {error}", failure_class="invalid_input", status=EX_DATAERR
            ) from error
        field(order, "payload", dict, of="order")
        result = work(order, bill)
    except HandlerError as error:
        print(f"failed: {error}", file=sys.stderr)
        report(
            error=str(error),
            failure_class=error.failure_class,
            retry=error.retry,
            result=error.result,
            cost_usd=bill.usd(),
            tokens_in=bill.tokens_in,
            tokens_out=bill.tokens_out,
        )
        sys.exit(error.status)
    report(result=result, cost_usd=bill.usd(), tokens_in=bill.tokens_in, tokens_out=bill.tokens_out)
