import LedgerClient
import Postgres
import TestSupport
import Testing
import WorkOrders

struct CoalescingTests {
    @Test func `ten thousand callers need few statements and each gets its own answer`() async throws {
        try await LedgerDatabase.open { database in
            let callers = 10_000
            // Every tenth asks for more than the cap.
            func estimate(_ caller: Int) -> Int64 {
                Int64(caller) + (caller % 10 == 0 ? LedgerDatabase.cap.microdollars : 0)
            }
            let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
                for caller in 1...callers {
                    group.addTask {
                        let answer = try await database.coalescer.reserve(
                            LedgerDatabase.request(micro: estimate(caller)), within: .seconds(60))
                        if caller % 10 == 0 { return answer != .refused(.neverFits) }
                        return answer.grant?.estimate.microdollars != estimate(caller)
                            || answer.grant?.isReplay != false
                    }
                }
                return try await group.reduce(into: 0) { wrong, isWrong in wrong += isWrong ? 1 : 0 }
            }
            #expect(wrong == 0)
            let counts = database.coalescer.counts()
            #expect(counts.answered == callers)
            #expect(counts.statements < 200)
            #expect(try await database.count("moose.budget_holds") == Int64(callers * 9 / 10))
            let expected = (1...callers).filter { caller in caller % 10 != 0 }.reduce(0) { $0 + Int64($1) }
            #expect(try await database.held() == expected)
        }
    }

    @Test func `callers beyond the capacity wait before the queue and all get in`() async throws {
        try await LedgerDatabase.open(capacity: 4, batchLimit: 4) { database in
            try await withThrowingTaskGroup(of: HoldAnswer.self) { group in
                try await database.whileLocked {
                    group.addTask { try await database.coalescer.reserve(LedgerDatabase.request()) }
                    try await database.waitUntil(inFlight: 1, queued: 0)
                    for _ in 1...30 {
                        group.addTask { try await database.coalescer.reserve(LedgerDatabase.request()) }
                    }
                    try await database.waitUntil(inFlight: 1, queued: 4, waiting: 26)
                }
                for try await answer in group { #expect(answer.grant?.status == .normal) }
            }
            #expect(database.coalescer.counts().statements == 1 + 8)
            #expect(try await database.held() == 31)
        }
    }

    @Test func `one malformed request among five hundred is refused alone`() async throws {
        try await LedgerDatabase.open { database in
            let poison = 123
            let answers = try await withThrowingTaskGroup(of: (Int, Result<HoldAnswer, LedgerError>).self) { group in
                try await database.whileLocked {
                    for caller in 0..<500 {
                        group.addTask {
                            let request = LedgerDatabase.request(micro: caller == poison ? -1 : 2)
                            return (
                                caller,
                                await outcome { () async throws(LedgerError) in
                                    try await database.coalescer.reserve(request)
                                }
                            )
                        }
                    }
                    try await eventually("all were asked") {
                        let counts = database.coalescer.counts()
                        return counts.inFlight + counts.queued == 500
                    }
                }
                return try await group.reduce(into: [Int: Result<HoldAnswer, LedgerError>]()) { answers, answer in
                    answers[answer.0] = answer.1
                }
            }
            for (caller, answer) in answers where caller != poison { #expect(try answer.get().grant != nil) }
            guard case .failure(.invalid(let error)) = answers[poison] else {
                Issue.record("the negative one was answered \(String(describing: answers[poison]))")
                return
            }
            #expect(error.sqlState == "23514")
            #expect(try await database.held() == 499 * 2)
            #expect((1...20).contains(database.coalescer.counts().splits))
        }
    }

    @Test func `questions of the same name are asked one after the other and take one hold`() async throws {
        try await LedgerDatabase.open { database in
            let name = LedgerDatabase.name()
            let tooDear = LedgerDatabase.name()
            try await withThrowingTaskGroup(of: HoldAnswer.self) { group in
                try await database.whileLocked {
                    for _ in 1...5 {
                        group.addTask { try await database.coalescer.reserve(LedgerDatabase.request(name, micro: 7)) }
                    }
                    for _ in 1...3 {
                        group.addTask {
                            try await database.coalescer.reserve(LedgerDatabase.request(tooDear, micro: .max))
                        }
                    }
                }
                var replays = 0
                var refusals = 0
                for try await answer in group {
                    if let grant = answer.grant { replays += grant.isReplay ? 1 : 0 }
                    if answer == .refused(.neverFits) { refusals += 1 }
                }
                #expect(replays == 4)
                #expect(refusals == 3)
            }
            #expect(try await database.held() == 7)
        }
    }

    @Test func `a hold's life in moves, and its name covers no more work afterwards`() async throws {
        try await LedgerDatabase.open { database in
            let coalescer = database.coalescer
            var request = LedgerDatabase.request(micro: 9)
            request.dispatched = false
            let granted = try await coalescer.reserve(request)
            #expect(granted.grant?.state == .held)
            #expect(try await coalescer.move(request.name, .dispatch) == .done(.dispatched))
            #expect(try await coalescer.move(request.name, .dispatch) == .replay(.dispatched))
            let settle = HoldMove.settle(actual: MicroUSD(microdollars: 4))
            #expect(try await coalescer.move(request.name, settle) == .done(.settled))
            #expect(try await coalescer.move(request.name, settle) == .replay(.settled))
            #expect(try await coalescer.move(request.name, .dispatch) == .refused(.settled))
            #expect(try await coalescer.move(LedgerDatabase.name(), .cancel) == .unknown)
            #expect(try await coalescer.reserve(request) == .closed(.settled))
            #expect(try await database.held() == 0)
            #expect(try await database.count("moose.cost_tracking WHERE amount_u = 4") == 1)
        }
    }

    @Test func `money comes back although no reservation can be judged`() async throws {
        try await LedgerDatabase.open { database in
            // A change of limits would wait for the reservation that this test holds up.
            _ = try await database.auditor.run(
                "ALTER TABLE moose.budget_policies DISABLE TRIGGER budget_policies_alone")
            let first = LedgerDatabase.request(micro: 5)
            _ = try await database.coalescer.reserve(first)
            var moved: Task<MoveAnswer, any Error>?
            var asked: Task<Result<HoldAnswer, LedgerError>, Never>?
            try await database.whileLocked {
                // It keeps the statement under way; what it is told doesn't matter here.
                Task { _ = try await database.coalescer.reserve(LedgerDatabase.request()) }
                try await database.waitUntil(inFlight: 1, queued: 0)
                moved = Task { try await database.coalescer.move(first.name, .cancel) }
                asked = Task {
                    await outcome { () async throws(LedgerError) in
                        try await database.coalescer.reserve(LedgerDatabase.request())
                    }
                }
                try await database.waitUntil(inFlight: 1, queued: 2)
                _ = try await database.auditor.run("DELETE FROM moose.budget_policies")
            }
            let move = try await moved?.value
            let answer = await asked?.value
            #expect(move == .done(.cancelled))
            guard case .failure(.unavailable(let failure?)) = answer else {
                Issue.record("without a policy it was answered \(String(describing: answer))")
                return
            }
            #expect(failure.sqlState == "MS003")
            #expect(try await database.state(first.name) == "cancelled")
        }
    }
}
