import Testing
import WorkOrders

@testable import Worker

/// What a command can say about when it wants to run again.
struct CommandVerdictTests {
    private func outcome(_ file: String, exit: Int32) -> Outcome {
        CommandVerdict(ending: .exited(exit), timeout: .seconds(1), result: CommandResult(Array(file.utf8))).outcome
    }

    @Test(arguments: [
        (#"{"retry_after_seconds":30}"#, AttemptFailure.Retry.after(.seconds(30))),
        (#"{"retry_after_seconds":0}"#, .after(.seconds(1))),
        (#"{"retry_after_seconds":1e300}"#, .after(.seconds(86_400))),
        (#"{"retry_after_seconds":5,"retry":true}"#, .after(.seconds(5))),
        (#"{"retry_after_seconds":5,"retry":false}"#, .never),
        (#"{"retry_after_seconds":-1}"#, .never),
        (#"{"retry_after_seconds":null}"#, .never),
    ])
    func `a failure may say when to try again`(file: String, wanted: AttemptFailure.Retry) {
        // Without a word of its own, such an exit code is for good.
        guard case .failed(let failure, _) = outcome(file, exit: 65) else {
            Issue.record("it should have failed")
            return
        }
        #expect(failure.retry == wanted)
        #expect(failure.failureClass == .invalidInput)
    }

    @Test(arguments: [("60", 60.0), ("0.2", 1), ("1e9", 604_800)])
    func `a success may ask to be run again later, and what it cost is kept`(seconds: String, wanted: Double) {
        let outcome = outcome(#"{"snooze_seconds":\#(seconds),"cost_usd":"0.01"}"#, exit: 0)
        guard case .snoozed(let wait, let report) = outcome else {
            Issue.record("it should have snoozed: \(outcome)")
            return
        }
        #expect(wait == .seconds(wanted))
        #expect(report.cost == MicroUSD(microdollars: 10_000))
    }

    @Test func `a negative or unreadable snooze is malformed output`() {
        for file in [#"{"snooze_seconds":-1}"#, #"{"snooze_seconds":"soon"}"#] {
            guard case .failed(let failure, _) = outcome(file, exit: 0) else {
                Issue.record("it should have failed")
                return
            }
            #expect(failure.failureClass == .malformedOutput)
        }
    }

    @Test func `a failure that asks to snooze is a failure`() {
        guard case .failed = outcome(#"{"snooze_seconds":5}"#, exit: 75) else {
            Issue.record("it should have failed")
            return
        }
    }

    @Test(arguments: [
        (#"{"result":1,"result":1}"#, "result"), (#"{"snooze_seconds":5,"snooze_seconds":6}"#, "snooze_seconds"),
        (#"{"pull_request":3,"pull_request":4}"#, "pull_request"),
        (#"{"pull_request":{"number":3,"number":4}}"#, "pull_request.number"),
        (#"{"pull_request":{"number":3,"n\u0075mber":3}}"#, "pull_request.number"),
        (#"{"pull_request":{"number":3,"repository":"a/b","repository":"a/c"}}"#, "pull_request.repository"),
        (#"{"pull_request":{"number":3,"head_sha":null,"head_sha":"x"}}"#, "pull_request.head_sha"),
    ])
    func `what says how the work is done may stand only once, and of two nobody picks one`(file: String, name: String) {
        guard case .failed(let failure, let report) = outcome(file, exit: 0) else {
            Issue.record("it should have failed")
            return
        }
        #expect(failure.failureClass == .malformedOutput)
        #expect(failure.message == "\(name) stands twice in the result file: which one counts?")
        #expect(report.output?.contains(file) == true, "a person sees what it wrote")
    }

    @Test(arguments: [
        (#"{"retry":false,"retry":true}"#, "retry"), (#"{"retry":true,"retry":false}"#, "retry"),
        (#"{"retry_after_seconds":5,"retry_after_seconds":50}"#, "retry_after_seconds"),
        (#"{"failure_class":"test_fail","failure_class":"timeout"}"#, "failure_class"),
        (#"{"error":"one","error":"other"}"#, "error"),
    ])
    func `what a failure says twice it hasn't said, and a person is told`(file: String, name: String) {
        for (exit, retry) in [(1, .backoff), (65, .never)] as [(Int32, AttemptFailure.Retry)] {
            guard case .failed(let failure, let report) = outcome(file, exit: exit) else {
                Issue.record("it should have failed")
                return
            }
            let silent = CommandVerdict(
                ending: .exited(exit), timeout: .seconds(1), result: CommandResult(Array("{}".utf8))
            ).outcome.failure
            #expect(failure == silent, "as if it were not there")
            #expect(failure.retry == retry)
            #expect(report.unread?.words == "\(name) in the result file can't be read (it stands twice)")
        }
    }

    @Test func `names that are none of Moose's business may stand twice, and only that is told`() {
        let file = #"{"cost_usd":"0.01","result":{"a":1,"a":2},"pull_request":{"number":3,"title":1,"title":2}}"#
        guard case .completed(let report) = outcome(file, exit: 0) else {
            Issue.record("it should have completed")
            return
        }
        #expect(report.cost == MicroUSD(microdollars: 10_000) && report.pullRequest?.number == 3)
        #expect(report.result.map { String(decoding: $0, as: UTF8.self) } == #"{"a":1,"a":2}"#)
        #expect(report.unread?.words == "a name stands twice in the result file")
    }
}
