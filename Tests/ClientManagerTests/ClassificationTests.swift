import FoundationEssentials
import Store
import Testing
import WorkOrders

@testable import ClientManager

struct ClassificationTests {
    @Test(
        arguments: [
            ("test_fail", ["exit_code": "124"], "it timed out", FailureClass.testFail, TriggerType.proposerExhausted),
            (nil, ["exit_code": "124"], "tests failed", .timeout, .technicalBlocker),
            (nil, ["http_status": "402"], "no", .budgetExceeded, .budgetOverrun),
            (nil, ["sqlstate": "53300"], "no", .infrastructure, .infrastructure),
            (nil, ["exit_code": "1"], "3 tests failed", .testFail, .proposerExhausted),
            (nil, nil, "it breaks the contract", .contractViolation, .contractViolation),
            (nil, nil, "hm", .unknown, .technicalBlocker),
            ("a new class", ["exit_code": "124"], "tests failed", .unknown, .technicalBlocker),
        ] as [(String?, [String: String]?, String, FailureClass, TriggerType)])
    func `the reporter's word goes before facts, and facts before words`(
        said: String?, details: [String: String]?, message: String, failureClass: FailureClass, trigger: TriggerType
    ) {
        var event = ErrorEvent(
            component: "proposer", operation: "run", severity: .warning, message: message, details: details)
        event.failureClass = said
        let classified = EventClassifier.classify(event)
        #expect(classified.failureClass == failureClass.rawValue)
        #expect(classified.trigger == trigger.rawValue)
    }
}
