extension FailureClass {
    /// What a text says about a failure; nil when it says nothing that is known. Only for what has no better fact: the
    /// first phrase of the list that occurs decides, so the more specific ones stand first.
    package static func of(text: String) -> FailureClass? {
        let text = text.prefix(4000).lowercased()
        for (failureClass, phrases) in phrases where phrases.contains(where: { text.contains($0) }) {
            return failureClass
        }
        return nil
    }

    private static let phrases: [(FailureClass, [String])] = [
        (.workerLost, ["worker lost", "worker was lost", "lease lost", "lease expired", "stopped without a word"]),
        (
            .budgetExceeded,
            [
                "budget exceeded", "over budget", "hard cap", "insufficient funds", "insufficient_quota",
                "quota exceeded",
            ]
        ),
        (
            .dependencyMissing,
            [
                "command not found", "no such module", "module not found", "modulenotfounderror", "cannot find module",
                "cannot find package", "unresolved dependency", "missing dependency", "dependency failed",
            ]
        ),
        (
            .contractViolation,
            [
                "contract violation", "contract violated", "breaks the contract", "does not conform to",
                "signature mismatch",
            ]
        ),
        (.orchestrationError, ["invalid state transition", "orchestration", "no handler for the kind"]),
        (
            .malformedOutput,
            [
                "malformed output", "not valid json", "is not json", "no json object", "invalid json",
                "unexpected token", "jsondecodeerror", "no parseable",
            ]
        ),
        (.lintError, ["lint error", "lint failed", "linter", "style violation"]),
        (
            .testFail,
            ["test failed", "tests failed", "test failure", "failing test", "assertion failed", "assertionerror"]
        ),
        (
            .compileError,
            [
                "compile error", "compilation failed", "compiler error", "does not compile", "syntax error",
                "syntaxerror", "undefined reference", "build failed", "type error:",
            ]
        ),
        (.timeout, ["timed out", "time-out", "timeout", "deadline exceeded", "took too long"]),
        (
            .invalidInput,
            [
                "invalid input", "invalid argument", "invalid value", "invalid request", "validation failed",
                "bad request",
            ]
        ),
        (
            .infrastructure,
            [
                "connection refused", "connection reset", "connection lost", "connection was lost", "unreachable",
                "no space left", "out of memory", "cannot allocate", "too many open files", "broken pipe",
                "permission denied", "rate limit", "service unavailable", "name or service not known",
            ]
        ),
    ]
}
