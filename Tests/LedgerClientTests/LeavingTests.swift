import LedgerClient
import Postgres
import TestSupport
import Testing

/// Callers that don't wait for their answer.
struct LeavingTests {
    @Test func `who is cancelled before the statement leaves no trace`() async throws {
        try await LedgerDatabase.open { database in
            let request = LedgerDatabase.request()
            try await database.whileLocked {
                let first = Task { try await database.coalescer.reserve(LedgerDatabase.request()) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                let second = Task { await ask(database, request) }
                try await database.waitUntil(inFlight: 1, queued: 1)
                second.cancel()
                #expect(await second.value == .failure(.cancelled(wasSent: false)))
                #expect(database.coalescer.counts().queued == 0)
                first.cancel()
            }
            await database.coalescer.close()
            #expect(try await database.state(request.name) == nil)
        }
    }

    @Test func `who is cancelled in mid-flight is told so, and what was granted comes back`() async throws {
        try await LedgerDatabase.open { database in
            let request = LedgerDatabase.request(micro: 50)
            try await database.whileLocked {
                let caller = Task { await ask(database, request) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                caller.cancel()
                #expect(await caller.value == .failure(.cancelled(wasSent: true)))
            }
            try await eventually("the hold was given back") { try await database.state(request.name) == "cancelled" }
            #expect(try await database.held() == 0)
            try await eventually("it was counted") { database.coalescer.counts().givenBack == 1 }
        }
    }

    @Test func `a caller that leaves does not take away what was granted before`() async throws {
        try await LedgerDatabase.open { database in
            let request = LedgerDatabase.request(micro: 50)
            #expect(try await database.coalescer.reserve(request).grant != nil)
            try await database.whileLocked {
                let again = Task { await ask(database, request) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                again.cancel()
                #expect(await again.value == .failure(.cancelled(wasSent: true)))
            }
            await database.coalescer.close()
            #expect(try await database.state(request.name) == "dispatched")
            #expect(try await database.held() == 50)
        }
    }

    @Test func `who asks again for the name of a hold that is being given back learns that it is gone`() async throws {
        try await LedgerDatabase.open { database in
            let request = LedgerDatabase.request(micro: 50)
            var again: Task<Result<HoldAnswer, LedgerError>, Never>?
            try await database.whileLocked {
                let first = Task { await ask(database, request) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                again = Task { await ask(database, request) }
                try await database.waitUntil(inFlight: 1, queued: 1)
                first.cancel()
                _ = await first.value
            }
            #expect(await again?.value == .success(.closed(.cancelled)))
            #expect(try await database.held() == 0)
        }
    }

    @Test func `whoever's time is over gets no money, and what comes late is given back`() async throws {
        try await LedgerDatabase.open { database in
            let sent = LedgerDatabase.request(micro: 3)
            let queued = LedgerDatabase.request(micro: 4)
            try await database.whileLocked {
                async let first = ask(database, sent, within: .milliseconds(300))
                try await database.waitUntil(inFlight: 1, queued: 0)
                async let second = ask(database, queued, within: .milliseconds(100))
                let answers = await [second, first]
                #expect(answers == [.failure(.unavailable(nil)), .failure(.unavailable(nil))])
            }
            try await eventually("the late hold was given back") { try await database.state(sent.name) == "cancelled" }
            #expect(try await database.state(queued.name) == nil)
        }
    }

    @Test func `closing answers everybody who asked before`() async throws {
        try await LedgerDatabase.open(capacity: 4, batchLimit: 4) { database in
            try await withThrowingTaskGroup(of: HoldAnswer.self) { group in
                try await database.whileLocked {
                    for _ in 1...10 {
                        group.addTask { try await database.coalescer.reserve(LedgerDatabase.request()) }
                    }
                    try await eventually("all were asked") {
                        let counts = database.coalescer.counts()
                        return counts.inFlight + counts.queued + counts.waiting == 10
                    }
                    group.addTask {
                        await database.coalescer.close(within: .seconds(60))
                        return .refused(.frozen)
                    }
                    try await eventually("nobody gets in any more") {
                        await ask(database, LedgerDatabase.request(), within: .milliseconds(1)) == .failure(.closed)
                    }
                }
                var granted = 0
                for try await answer in group { granted += answer.grant == nil ? 0 : 1 }
                #expect(granted == 10)
            }
        }
    }

    @Test func `closing fails those whose answer does not come in its time`() async throws {
        try await LedgerDatabase.open { database in
            try await database.whileLocked {
                let first = Task { await ask(database, LedgerDatabase.request()) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                let second = Task { await ask(database, LedgerDatabase.request()) }
                try await database.waitUntil(inFlight: 1, queued: 1)
                await database.coalescer.close(within: .milliseconds(50))
                #expect(await first.value == .failure(.closed))
                #expect(await second.value == .failure(.closed))
            }
        }
    }
}

private func ask(
    _ database: LedgerDatabase, _ request: HoldRequest, within limit: Duration = .seconds(30)
) async -> Result<HoldAnswer, LedgerError> {
    await outcome { () async throws(LedgerError) in try await database.coalescer.reserve(request, within: limit) }
}
