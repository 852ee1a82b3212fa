#!/usr/bin/env python3
"""Refuses Swift catch blocks that neither rethrow, nor report, nor say in a comment why not.

    deploy/lint/silent-catches.py [PATH ...]    default: Sources and Tests
    deploy/lint/silent-catches.py --self-test   the checker's own samples

A block is fine when it throws, when it does something with the error, when it logs, records or resumes with
something, or when a comment in it says why the error ends there. It reads words, not types: it finds the block that
was forgotten, not the one that lies.
"""

import pathlib
import re
import sys

# Strings and comments are told apart first, so that a brace or the word `catch` in them counts for nothing.
TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<string>#+"(?:""(?:.|\n)*?"""#+|[^\n]*?"#+)|"""(?:\\.|.)*?"""|"(?:\\.|[^"\\\n])*")'
    r"|(?P<name>`[^`\n]*`)",
    re.DOTALL,
)
CATCH = re.compile(r"\bcatch\b(?P<pattern>[^{}]*)\{")
SPEAKS = re.compile(
    r"\b(?:throw|error|logger|log|report\w*|record\w*|fail\w*|print|emit|fatalError|preconditionFailure|exit)\b"
    r"|\.failure\b|Issue\."
)
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


def silent_catches(source):
    """The lines on which a silent catch block begins."""
    text = blanked(source)
    for match in CATCH.finditer(text):
        if text[: match.start()].rstrip().endswith((".", "func")):
            continue
        # A comment after the closing brace on the same line belongs to the block as well.
        end = block_end(text, match.end())
        line_end = text.find("\n", end)
        body = text[match.end() : len(text) if line_end < 0 else line_end]
        names = BOUND.findall(match.group("pattern"))
        speaks = SPEAKS.search(body) or any(re.search(rf"\b{name}\b", body) for name in names)
        if not speaks and "\x00" not in body:
            yield text.count("\n", 0, match.start()) + 1


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
]


def self_test():
    wrong = [sample for sample, count in SAMPLES if len(list(silent_catches(sample))) != count]
    for sample in wrong:
        print(f"silent-catches: judged wrongly: {sample!r}", file=sys.stderr)
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    status = 0
    for root in map(pathlib.Path, arguments or ["Sources", "Tests"]):
        for path in [root] if root.is_file() else sorted(root.rglob("*.swift")):
            for line in silent_catches(path.read_text(encoding="utf-8")):
                status = 1
                print(
                    f"{path}:{line}: error: this catch block says nothing. "
                    "Rethrow, report the error, or say in a comment why it ends here",
                    file=sys.stderr,
                )
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
