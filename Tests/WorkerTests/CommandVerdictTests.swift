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
}
