import Sentinel
import Store
import Testing
import WorkOrders

struct CIVerdictTests {
    private static let expected = ["Build", "Test", "Integration Tests", "Lint"]

    /// Runs as `name=conclusion`, the later ones newer.
    private func verdict(_ runs: String..., overdue: Bool = false) -> CIVerdict {
        let runs = runs.enumerated().map { index, text in
            let parts = text.split(separator: "=")
            return WorkflowRun(workflow: String(parts[0]), runID: Int64(index), conclusion: String(parts[1]))
        }
        return .of(runs, expected: Self.expected, isOverdue: overdue)
    }

    @Test func `it passes when every expected workflow passed, whatever others say`() {
        #expect(
            verdict("Build=success", "Test=success", "Integration Tests=success", "Lint=success", "Deploy=failure")
                == .passed(flaky: []))
    }

    @Test func `it waits for what is missing, also when something failed, until the deadline`() {
        #expect(verdict("Build=success", "Test=success", "Lint=success") == .waiting)
        #expect(verdict("Build=failure") == .waiting)
        #expect(verdict("Deploy=success") == .waiting)
        #expect(
            verdict("Build=failure", overdue: true)
                == .failed(.compileError, confidence: 0.9, "CI failed: Build ended failure"))
        #expect(
            verdict("Build=success", "Test=success", "Lint=success", overdue: true)
                == .unclear(.unknown, confidence: nil, "CI is not complete: Integration Tests did not report"))
    }

    @Test func `a deadline without any result asks whether the webhook works`() {
        #expect(verdict() == .waiting)
        guard case .unclear(.unknown, nil, let words) = verdict(overdue: true) else {
            Issue.record("it should be unclear")
            return
        }
        #expect(words.hasPrefix("CI has not reported"))
    }

    @Test(arguments: ["cancelled", "skipped", "neutral", "stale", "action_required", "a word of tomorrow"])
    func `an end that is neither is for a person`(conclusion: String) {
        #expect(
            verdict("Build=success", "Test=\(conclusion)", "Integration Tests=success", "Lint=success")
                == .unclear(.unknown, confidence: nil, "CI is not complete: Test ended \(conclusion)"))
    }

    @Test func `a build or a lint that failed is clear`() {
        #expect(
            verdict("Build=success", "Test=success", "Integration Tests=success", "Lint=failure")
                == .failed(.lintError, confidence: 0.9, "CI failed: Lint ended failure"))
        #expect(
            verdict("Build=startup_failure", "Test=cancelled", "Integration Tests=skipped", "Lint=failure")
                == .failed(.compileError, confidence: 0.9, "CI failed: Build ended startup_failure, Lint ended failure")
        )
        #expect(
            verdict("Build=timed_out", "Test=success", "Integration Tests=success", "Lint=success")
                == .failed(.timeout, confidence: 0.9, "CI failed: Build ended timed_out"))
    }

    @Test func `tests that failed have no details here, so a person decides`() {
        #expect(
            verdict("Build=success", "Test=failure", "Integration Tests=success", "Lint=success")
                == .unclear(.testFail, confidence: 0.7, "CI failed: Test ended failure"))
        #expect(
            verdict("Build=failure", "Test=failure", "Integration Tests=failure", "Lint=success")
                == .unclear(
                    .compileError, confidence: 0.6,
                    "CI failed: Build ended failure, Test ended failure, Integration Tests ended failure"))
    }

    @Test func `a workflow run again counts by its last end, and is flaky`() {
        #expect(
            verdict("Build=success", "Test=failure", "Integration Tests=success", "Lint=success", "Test=success")
                == .passed(flaky: ["Test"]))
        #expect(
            verdict(
                "Build=failure", "Build=success", "Build=failure", "Test=success", "Integration Tests=success",
                "Lint=success")
                == .failed(.compileError, confidence: 0.9, "CI failed: Build ended failure"))
    }

    @Test func `attempts of one run are told apart by their number`() {
        let runs = [
            WorkflowRun(workflow: "Build", runID: 5, attempt: 2, conclusion: "success"),
            WorkflowRun(workflow: "Build", runID: 5, attempt: 1, conclusion: "failure"),
        ]
        #expect(CIVerdict.of(runs, expected: ["Build"], isOverdue: false) == .passed(flaky: ["Build"]))
    }
}
