import Testing
import WorkOrders

struct FailureClassTests {
    @Test(
        arguments: [
            (0, nil), (1, nil), (2, nil), (3, nil), (64, FailureClass.invalidInput), (65, .invalidInput),
            (66, .invalidInput), (69, .infrastructure), (70, nil), (73, .infrastructure), (75, .infrastructure),
            (76, .contractViolation), (77, .infrastructure), (78, .infrastructure), (79, nil), (124, .timeout),
            (126, .infrastructure), (127, .infrastructure), (128, nil), (137, .infrastructure), (152, .timeout),
            (255, nil),
        ] as [(Int32, FailureClass?)])
    func `an exit code`(code: Int32, failureClass: FailureClass?) {
        #expect(FailureClass.of(exitCode: code) == failureClass)
    }

    @Test(
        arguments: [
            (6, .infrastructure), (9, .infrastructure), (11, .infrastructure), (14, .timeout), (15, .infrastructure),
            (24, .timeout),
        ] as [(Int32, FailureClass)])
    func `a signal`(signal: Int32, failureClass: FailureClass) {
        #expect(FailureClass.of(signal: signal) == failureClass)
    }

    @Test(
        arguments: [
            (200, nil), (204, nil), (301, FailureClass.infrastructure), (400, .invalidInput), (401, .infrastructure),
            (403, .infrastructure), (407, .infrastructure),
            (402, .budgetExceeded), (404, .invalidInput), (408, .timeout), (422, .invalidInput),
            (424, .dependencyMissing),
            (425, .infrastructure), (429, .infrastructure), (500, .infrastructure), (503, .infrastructure),
            (504, .timeout),
        ] as [(Int, FailureClass?)])
    func `an HTTP status`(status: Int, failureClass: FailureClass?) {
        #expect(FailureClass.of(httpStatus: status) == failureClass)
    }

    @Test(
        arguments: [
            ("08006", .infrastructure), ("22P02", .invalidInput), ("23505", .invalidInput), ("28P01", .infrastructure),
            ("40P01", .infrastructure), ("42P01", .orchestrationError), ("53300", .infrastructure), ("55P03", .timeout),
            ("57014", .timeout), ("57P01", .infrastructure), ("P0001", .orchestrationError),
            ("MS001", .orchestrationError),
            ("MS004", .invalidInput),
        ] as [(String, FailureClass)])
    func `a SQLSTATE`(state: String, failureClass: FailureClass) {
        #expect(FailureClass.of(sqlState: state) == failureClass)
    }

    @Test(
        arguments: [
            ("error: the compiler says: syntax error near }", .compileError), ("build failed", .compileError),
            ("the plan breaks the contract of its caller", .contractViolation), ("3 tests failed", .testFail),
            ("AssertionError: 1 != 2", .testFail), ("lint failed with 4 findings", .lintError),
            ("invalid state transition: completed to in_progress", .orchestrationError),
            ("Budget exceeded: $100 of $100", .budgetExceeded), ("insufficient_quota", .budgetExceeded),
            ("ModuleNotFoundError: No module named 'x'", .dependencyMissing),
            ("sh: foo: command not found", .dependencyMissing),
            ("the request timed out", .timeout), ("Invalid argument: --frob", .invalidInput),
            ("the model's answer is not JSON", .malformedOutput), ("the worker was lost", .workerLost),
            ("Connection refused (os error 111)", .infrastructure), ("No space left on device", .infrastructure),
            ("something else", nil), ("", nil),
        ] as [(String, FailureClass?)])
    func `a text, when there is nothing better`(text: String, failureClass: FailureClass?) {
        #expect(FailureClass.of(text: text) == failureClass)
    }

    @Test func `every class but unknown can be told by a fact or by a text`() {
        let texts = [
            "build failed", "contract violation", "tests failed", "lint error", "orchestration", "over budget",
            "command not found", "timeout", "invalid input", "invalid json", "worker lost", "unreachable",
        ]
        let told = Set(texts.compactMap { FailureClass.of(text: $0) })
        #expect(told == Set(FailureClass.allCases).subtracting([.unknown]))
    }

    @Test func `facts go before text, and the first fact that says something decides`() {
        #expect(FailureClass.of(details: ["exit_code": "1"]) == nil)
        #expect(FailureClass.of(details: ["exit_code": "124"]) == .timeout)
        #expect(FailureClass.of(details: ["exit_code": "1", "signal": "9"]) == .infrastructure)
        #expect(FailureClass.of(details: ["sqlstate": "23505", "http_status": "504"]) == .invalidInput)
        #expect(FailureClass.of(details: ["http_status": "200", "exit_code": "65"]) == .invalidInput)
        #expect(FailureClass.of(details: ["exit_code": "many", "sqlstate": ""]) == nil)
    }

    @Test func `an error that knows its class is believed, another is read`() {
        struct Knowing: ClassifiedFailure {
            let failureClass = FailureClass.lintError
        }
        struct Saying: Error, CustomStringConvertible {
            let description: String
        }
        #expect(FailureClass.of(Knowing()) == .lintError)
        #expect(FailureClass.of(Saying(description: "it timed out")) == .timeout)
        #expect(FailureClass.of(Saying(description: "hm")) == .unknown)
    }
}
