/// What kind of thing went wrong: drives retries, grouping and the options a person is offered.
package enum FailureClass: String, Sendable, CaseIterable {
    case compileError = "compile_error"
    case contractViolation = "contract_violation"
    case testFail = "test_fail"
    case lintError = "lint_error"
    case orchestrationError = "orchestration_error"
    case budgetExceeded = "budget_exceeded"
    case dependencyMissing = "dependency_missing"
    case timeout
    case invalidInput = "invalid_input"
    case malformedOutput = "malformed_output"
    case workerLost = "worker_lost"
    case infrastructure
    case unknown
}
