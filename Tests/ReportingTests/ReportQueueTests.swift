import FoundationEssentials
import Testing
import WorkOrders

@testable import Reporting

/// Reports are few where a cause is one, and none is gone without a trace.
struct ReportQueueTests {
    private let start = ContinuousClock.now

    private func event(_ message: String, component: String = "worker") -> ErrorEvent {
        ErrorEvent(component: component, operation: "sweep", severity: .warning, message: message)
    }

    private func occurrences(_ events: [ErrorEvent]) -> Int {
        events.reduce(0) { $0 + (Int($1.details?["occurrences"] ?? "1") ?? 0) }
    }

    @Test func `a minute of failures is one event, and later one that counts the rest`() throws {
        var queue = ReportQueue(limit: 100, span: .seconds(600))
        #expect(queue.admit(event("away"), key: "a", now: start) == .queued)
        let first = queue.take(10, now: start)
        #expect(first.count == 1 && first[0].details == nil)
        for second in 1...60 {
            #expect(queue.admit(event("away"), key: "a", now: start + .seconds(second)) == .coalesced)
            #expect(queue.take(10, now: start + .seconds(second)).isEmpty)
        }
        let rest = queue.take(10, now: start + .seconds(601))
        #expect(rest.count == 1)
        #expect(rest[0].details?["occurrences"] == "60")
        #expect(rest[0].id != first[0].id)
        #expect(queue.isEmpty)
        #expect(queue.admit(event("away"), key: "a", now: start + .seconds(700)) == .queued)
    }

    @Test func `what repeats an event that has not left yet is counted in it`() {
        var queue = ReportQueue(limit: 100, span: .seconds(600))
        for _ in 1...5 { _ = queue.admit(event("away"), key: "a", now: start) }
        #expect(queue.take(10, now: start).map { $0.details?["occurrences"] } == ["5"])
        queue.endWindows(now: start)
        #expect(queue.isEmpty)
    }

    @Test func `the end of the process tells of every repeat`() {
        var queue = ReportQueue(limit: 100, span: .seconds(600))
        for key in ["a", "b", "c"] { _ = queue.admit(event(key), key: key, now: start) }
        var told = occurrences(queue.take(2, now: start))
        for key in ["a", "a", "b", "c"] { _ = queue.admit(event(key), key: key, now: start) }
        queue.endWindows(now: start)
        told += occurrences(queue.take(10, now: start))
        #expect(told == 7)
    }

    @Test func `what no net took keeps its id and its place`() {
        var queue = ReportQueue(limit: 100, span: .seconds(600))
        for number in 1...6 { _ = queue.admit(event("\(number)"), key: "\(number)", now: start) }
        let first = queue.take(3, now: start)
        queue.putBack(first)
        let all = queue.take(10, now: start)
        #expect(all.map(\.message) == (1...6).map(String.init))
        #expect(all.prefix(3).map(\.id) == first.map(\.id))
    }

    @Test func `what finds no room is told of by an event`() throws {
        var queue = ReportQueue(limit: 10, span: .seconds(600))
        for number in 1...25 {
            let admission = queue.admit(event("\(number)"), key: "\(number)", now: start)
            #expect(admission == (number <= 10 ? .queued : .overflowed))
        }
        let told = queue.take(100, now: start) + queue.take(100, now: start)
        #expect(told.count == 11)
        let last = try #require(told.last)
        #expect(last.severity == .critical)
        #expect(last.details?["occurrences"] == "15")
        #expect(last.details?["left_out"] == "worker.sweep: 15")
        #expect(queue.isEmpty)
    }

    @Test(arguments: 1...200) func `no random history loses a report`(seed: UInt64) {
        var numbers = SystemRandomNumberGenerator()
        var queue = ReportQueue(limit: Int.random(in: 1...8, using: &numbers), span: .seconds(10))
        var now = start
        var (reported, told) = (0, 0)
        for _ in 1...200 {
            now += .seconds(Int.random(in: 0...4, using: &numbers))
            switch Int.random(in: 0...3, using: &numbers) {
            case 0:
                let events = queue.take(Int.random(in: 1...4, using: &numbers), now: now)
                if Bool.random(using: &numbers) { queue.putBack(events) } else { told += occurrences(events) }
            default:
                let key = "\(Int.random(in: 1...12, using: &numbers))"
                _ = queue.admit(event(key), key: key, now: now)
                reported += 1
            }
        }
        queue.endWindows(now: now)
        while !queue.isEmpty { told += occurrences(queue.take(3, now: now)) }
        #expect(told == reported)
    }
}
