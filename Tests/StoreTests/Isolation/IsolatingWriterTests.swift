import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Store

@Suite struct `An isolating writer` {
    /// What the items of a test meet, and what became of them.
    private final class Meeting: Sendable {
        struct State {
            var faults: [Int: PostgresError] = [:]
            var written: [Int] = []
            var aside: [Int] = []
            var attempts: [[Int]] = []
        }
        let state = Mutex(State())

        var actions: IsolatingWriter<Int>.Actions {
            .init(
                write: { items, _ throws(PostgresError) in
                    let error = self.state.withLock { state in
                        state.attempts.append(items)
                        let error = items.compactMap { state.faults[$0] }.first
                        if error == nil { state.written += items }
                        return error
                    }
                    if let error { throw error }
                },
                canary: { () throws(PostgresError) in },
                putAside: { item, _ in
                    self.state.withLock { $0.aside.append(item) }
                    return true
                },
                failed: { _, _ in })
        }

        func set(_ code: String?, _ items: [Int]) {
            state.withLock { state in
                for item in items {
                    state.faults[item] = code.map { .server(ServerError(sqlState: $0, message: "no")) }
                }
            }
        }
    }

    private static func running(
        _ writer: IsolatingWriter<Int>, _ meeting: Meeting, _ body: () async throws -> Void
    ) async throws {
        let actions = meeting.actions
        let ward = Task { await writer.run(actions) }
        let result = await Result { try await body() }
        ward.cancel()
        await ward.value
        try result.get()
    }

    @Test func `lets new batches pass while a bad one is taken apart`() async throws {
        let (writer, meeting) = (IsolatingWriter<Int>(), Meeting())
        meeting.set("XX000", [7])
        guard case .isolated = await writer.write(Array(0..<10), meeting.actions) else {
            Issue.record("it is apart")
            return
        }
        // The ward doesn't even run: what comes next is written all the same.
        guard case .written = await writer.write(Array(10..<20), meeting.actions) else {
            Issue.record("it is written")
            return
        }
        #expect(writer.isolated == 10)
        try await Self.running(writer, meeting) {
            try await eventually("all others are written") { meeting.state.withLock { $0.written.count } == 19 }
            _ = await writer.write([20], meeting.actions)
            try await eventually("the bad one is aside") { meeting.state.withLock { $0.aside } == [7] }
        }
        #expect(writer.isolated == 0)
    }

    @Test func `leaves a batch with its caller while the database is away`() async throws {
        let (writer, meeting) = (IsolatingWriter<Int>(), Meeting())
        meeting.set("57P03", [1])
        guard case .away(let error) = await writer.write([1, 2], meeting.actions) else {
            Issue.record("it is away")
            return
        }
        #expect(error.sqlState == "57P03")
        #expect(writer.isolated == 0)
    }

    @Test func `says so when nothing goes through, and no longer once something does`() async throws {
        let (writer, meeting) = (IsolatingWriter<Int>(patience: .zero), Meeting())
        #expect(writer.trouble("x") == nil)
        meeting.set("53100", [1])
        _ = await writer.write([1], meeting.actions)
        try await eventually("it is in trouble") { writer.trouble("x are not written")?.contains("53100") ?? false }
        meeting.set(nil, [1])
        try await Self.running(writer, meeting) {
            try await eventually("it gets on") { writer.trouble("x") == nil }
        }
        #expect(meeting.state.withLock { $0.aside } == [])
    }

    @Test func `tries items alone that are given to it so`() async throws {
        let (writer, meeting) = (IsolatingWriter<Int>(), Meeting())
        writer.writeAlone([1, 2, 3])
        try await Self.running(writer, meeting) {
            try await eventually("all are written") { meeting.state.withLock { $0.written.count } == 3 }
        }
        #expect(meeting.state.withLock { $0.attempts.allSatisfy { $0.count == 1 } })
    }

    @Test func `halves a batch in one look, and stops when the database is away`() async throws {
        var alone: [Int] = []
        var done: [Int] = []
        let refused = PostgresError.server(ServerError(sqlState: "XX000", message: ""))
        try await bisecting(Array(0..<100)) { some throws(PostgresError) in
            if some.contains(3) || some.contains(77) { throw refused }
            done += some
        } alone: { item, _ in
            alone.append(item)
        }
        #expect(alone == [3, 77])
        #expect(done.count == 98)
        var tries = 0
        await #expect(throws: PostgresError.closed) {
            try await bisecting([1, 2, 3, 4]) { _ throws(PostgresError) in
                tries += 1
                throw .closed
            } alone: { _, _ in
                Issue.record("nobody is blamed")
            }
        }
        #expect(tries == 1)
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
