package import Store
package import WorkOrders

/// What the workflows of one commit say about an order. Pure.
package enum CIVerdict: Sendable, Equatable {
    /// Results are still to come.
    case waiting
    /// Every expected workflow passed; those in `flaky` failed on the same commit before.
    case passed(flaky: [String])
    /// Something failed, and it is clear what. `confidence` from 0.8.
    case failed(FailureClass, confidence: Double, String)
    /// A person must decide; `confidence` is that of a failure, where there was one.
    case unclear(FailureClass, confidence: Double?, String)

    /// - Parameters:
    ///   - runs: all runs of the commit, in any order; the last attempt of each workflow's newest run counts.
    ///   - expected: the workflows that must pass.
    ///   - isOverdue: nothing more is waited for.
    package static func of(_ runs: [WorkflowRun], expected: [String], isOverdue: Bool) -> CIVerdict {
        guard !runs.isEmpty || isOverdue else { return .waiting }
        let newest = Dictionary(grouping: runs, by: \.workflow).compactMapValues { runs in
            runs.max { ($0.runID, $0.attempt) < ($1.runID, $1.attempt) }
        }
        let missing = expected.filter { newest[$0] == nil }
        if !missing.isEmpty && !isOverdue { return .waiting }

        let ends = expected.compactMap { newest[$0] }
        let failed = ends.filter { $0.ending == .failed }
        if !failed.isEmpty { return judge(failed) }
        if runs.isEmpty {
            return .unclear(
                .unknown, confidence: nil,
                "CI has not reported: does its webhook reach `moose mission-control`, and do its workflows run for pull "
                    + "requests?")
        }
        let unclear = ends.filter { $0.ending == .unclear }
        if !missing.isEmpty || !unclear.isEmpty {
            let parts = missing.map { "\($0) did not report" } + unclear.map { "\($0.workflow) ended \($0.conclusion)" }
            return .unclear(.unknown, confidence: nil, "CI is not complete: " + parts.joined(separator: ", "))
        }
        let flaky = expected.filter { name in runs.contains { $0.workflow == name && $0.ending == .failed } }
        return .passed(flaky: flaky)
    }

    /// 0.9; less 0.2 where tests failed, as a webhook has no details of them; less 0.1 where more than two workflows did;
    /// at least 0.5. Below 0.8 a person decides.
    private static func judge(_ failed: [WorkflowRun]) -> CIVerdict {
        let classes = failed.map(\.failureClass)
        var percent = 90
        if classes.contains(.testFail) { percent -= 20 }
        if failed.count > 2 { percent -= 10 }
        let confidence = Double(max(percent, 50)) / 100
        // What doesn't build can't be tested: the earliest cause names the class.
        let cause =
            [FailureClass.compileError, .testFail, .lintError, .timeout].first(where: classes.contains)
            ?? .orchestrationError
        let words = "CI failed: " + failed.map { "\($0.workflow) ended \($0.conclusion)" }.joined(separator: ", ")
        return confidence < 0.8
            ? .unclear(cause, confidence: confidence, words)
            : .failed(cause, confidence: confidence, words)
    }
}

extension WorkflowRun {
    fileprivate enum Ending { case passed, failed, unclear }

    /// Source of the words: https://docs.github.com/rest/checks/runs, `conclusion`.
    fileprivate var ending: Ending {
        switch conclusion {
        case "success": .passed
        case "failure", "timed_out", "startup_failure": .failed
        default: .unclear
        }
    }

    /// What it means that this run failed: a time-out by GitHub's word, else by the workflow's name.
    fileprivate var failureClass: FailureClass {
        if conclusion == "timed_out" { return .timeout }
        let name = workflow.lowercased()
        if name.contains("test") { return .testFail }
        if ["build", "compile"].contains(where: name.contains) { return .compileError }
        if ["lint", "format", "style"].contains(where: name.contains) { return .lintError }
        return .orchestrationError
    }
}
