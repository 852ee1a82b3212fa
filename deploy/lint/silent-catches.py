#!/usr/bin/env python3
"""Refuses Swift code that swallows an error: catch blocks that neither rethrow, nor report, nor say in a comment why
not, and `try?` whose result nobody looks at, without a comment.

    deploy/lint/silent-catches.py [PATH ...]    default: Sources and Tests
    deploy/lint/silent-catches.py --self-test   the checker's own samples

A block is fine when it throws, when it does something with the error, when it logs, records or resumes with
something, or when a comment in it says why the error ends there. In the long-running roles a log line is not enough:
nobody reads it at night. There a block that logs must report, throw or hand the error on as well, or say why not.
A `try?` that is a statement of its own needs its comment on the same line or right above; in tests it needs none,
because what fails there is seen by an expectation.
It reads words, not types: it finds the block that was forgotten, not the one that lies.
"""

import pathlib
import re
import sys

# Strings and comments are told apart first, so that a brace or the word `catch` in them counts for nothing.
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<string>#+"(?:"".*?"""#+|[^\n]*?"#+)|"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*")'
    r"|(?P<name>`[^`\n]*`)",
    re.DOTALL,
)
CATCH = re.compile(r"\bcatch\b(?P<pattern>[^{}]*)\{")
SPEAKS = re.compile(
    r"\b(?:throw|error|logger|log|report\w*|record\w*|fail\w*|print|emit|fatalError|preconditionFailure|exit)\b"
    r"|\.failure\b|Issue\."
)
# What a role does besides logging, so that somebody learns of it.
HANDS_ON = re.compile(
    r"\b(?:throw|report\w*|record\w*|fail\w*|refuse\w*|exit)\b|\.failure\b|Issue\.|\breturn\b[^\n]*\berror\b"
)
LOGS = re.compile(r"\blogger\s*\??\s*\.\s*(?:warning|error|critical|log)\b")
# A statement of its own; after another brace it may be the value of a closure.
DISCARDED = re.compile(r"(?:^|;|\b(?:defer|addTask|Task)\s*\{)[ \t]*(?:_\s*=\s*)?try\?|\b_\s*=\s*try\?", re.MULTILINE)
IGNORED = re.compile(r"\b_\s*=\s*\w+\b")
# Where errors are reported, not only logged. The folders below them that have no reporter of their own are left out.
ROLES = ("Sources/Worker", "Sources/ClientManager", "Sources/Publisher", "Sources/Moose/Roles")
INTERPOLATION = re.compile(r"\\#*\([^()\n]*\)")
BOUND = re.compile(r"\b(?:let|var)\s+(\w+)")


def blanked(source):
    """The source with names and strings emptied but for what strings interpolate, and comments replaced by a mark.

    Every line stays where it was.
    """

    def replace(match):
        text = match.group()
        mark = "\x00" if match.lastgroup == "comment" else "\x01"
        kept = " ".join(INTERPOLATION.findall(text)) if match.lastgroup == "string" else ""
        return mark + kept + "\n" * text.count("\n")

    return TOKEN.sub(replace, source)


def block_end(text, start):
    """The position of the brace that closes the one before `start`."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)


def silent_catches(source, is_role=False, is_test=False):
    """The lines on which an error is swallowed, each with what is wrong."""
    text = blanked(source)
    for match in CATCH.finditer(text):
        if text[: match.start()].rstrip().endswith((".", "func")):
            continue
        # A comment after the closing brace on the same line belongs to the block as well.
        end = block_end(text, match.end())
        line_end = text.find("\n", end)
        body = text[match.end() : len(text) if line_end < 0 else line_end]
        said = IGNORED.sub("", body)
        names = BOUND.findall(match.group("pattern"))
        speaks = SPEAKS.search(said) or any(re.search(rf"\b{name}\b", said) for name in names)
        line = text.count("\n", 0, match.start()) + 1
        if "\x00" in body:
            continue
        if not speaks:
            yield line, SILENT
        elif is_role and LOGS.search(said) and not HANDS_ON.search(LOGS.sub("", said)):
            yield line, ONLY_LOGGED
    if is_test:
        return
    lines = text.split("\n")
    for match in DISCARDED.finditer(text):
        line = text.count("\n", 0, match.end())
        if "\x00" not in lines[line] and not (line > 0 and lines[line - 1].strip().startswith("\x00")):
            yield line + 1, DROPPED


SILENT = "this catch block says nothing. Rethrow, report the error, or say in a comment why it ends here"
ONLY_LOGGED = "this catch block only logs. Report the error (Reporter.report), or say in a comment why a log is enough"
DROPPED = "this try? drops its error. Handle it, or say in a comment on this line or right above why it may be dropped"

SAMPLES = [
    ("do { try a() } catch {}", 1),
    ("do { try a() } catch { b() }", 1),
    ("do { try a() } catch is CancellationError { }", 1),
    ("do {\n try a()\n} catch let problem {\n b()\n}", 1),
    ('do { try a() } catch { b("// no comment, error in a string") }', 1),
    ("do { try a() } catch { if x { b() } }\nthrow y", 1),
    ("do { try a() } catch { throw X.b }", 0),
    ("do { try a() } catch { b(error) }", 0),
    ("do { try a() } catch let problem { b(problem) }", 0),
    ("do { try a() } catch { // the file may be gone already\n}", 0),
    ("do { try a() } catch {\n    /* closing twice is fine */\n}", 0),
    ("do { try a() } catch {} // nothing was started yet", 0),
    ('do { try a() } catch { b("it failed: \\(error)") }', 0),
    ("do { try a() } catch { logger.warning(m) }", 0),
    ("do { try a() } catch { continuation.resume(returning: .failure(.lost)) }", 0),
    ('let text = "catch {}"\n// catch {}', 0),
    ("@Test func `a catch {} in a name`() {}", 0),
    ("do { try a() } catch { _ = error }", 1),
    ("do { try a() } catch let problem { _ = problem }", 1),
    ("try? a()", 1),
    ("    _ = try? a()", 1),
    ("defer { try? a() }", 1),
    ("group.addTask { try? a() }", 1),
    ("{ _ = try? a() }", 1),
    ("b.compactMap { try? a($0) }", 0),
    ("b(); try? a()", 1),
    ("// Gone already.\ntry? a()", 0),
    ("try? a() // gone already", 0),
    ("// Why.\nb()\ntry? a()", 1),
    ('b("// no comment")\ntry? a()', 1),
    ("guard let b = try? a() else { return }", 0),
    ("let b = try? a()", 0),
    ("b((try? a()) ?? 1)", 0),
]
ROLE_SAMPLES = [
    ('do { try a() } catch { logger.warning("b", metadata: ["error": "\\(error)"]) }', 1),
    ('do { try a() } catch { self.logger.error("b") }', 1),
    ('do { try a() } catch { logger?.error("b") }', 1),
    ('do { try a() } catch let problem { logger.log(level: .error, "\\(problem)") }', 1),
    ('do { try a() } catch { logger.error("b"); throw error }', 0),
    ('do { try a() } catch { logger.error("b"); return .failure(error) }', 0),
    ('do { try a() } catch {\n// A dead letter tells of it.\nlogger.error("b") }', 0),
    ('do { try a() } catch { reporter.report("a", "b", error: error) }', 0),
    ("do { try a() } catch { await databaseFailed(error, attempt: 1) }", 0),
    ('do { try a() } catch { logger.info("b \\(error)") }', 0),
]


def self_test():
    wrong = [
        sample
        for samples, is_role in ((SAMPLES, False), (ROLE_SAMPLES, True))
        for sample, count in samples
        if len(list(silent_catches(sample, is_role))) != count
    ]
    wrong += [] if not list(silent_catches("try? a()", is_test=True)) else ["try? in a test"]
    # The stricter rule is for roles alone.
    wrong += [sample for sample, _ in ROLE_SAMPLES if list(silent_catches(sample))]
    for sample in wrong:
        print(f"silent-catches: judged wrongly: {sample!r}", file=sys.stderr)
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    status = 0
    for root in map(pathlib.Path, arguments or ["Sources", "Tests"]):
        for path in [root] if root.is_file() else sorted(root.rglob("*.swift")):
            name = path.as_posix()
            source = path.read_text(encoding="utf-8")
            for line, problem in silent_catches(source, name.startswith(ROLES), name.startswith("Tests/")):
                status = 1
                print(f"{path}:{line}: error: {problem}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
