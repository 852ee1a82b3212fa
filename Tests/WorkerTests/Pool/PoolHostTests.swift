import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// A host's fault is never charged to the work.
struct PoolHostTests {
    /// A machine that can start work or can't.
    private final class Machine: HostCheck {
        private let missing = Mutex<String?>("no room")
        let probes = Mutex(0)

        func probe() async -> String? {
            probes.withLock { $0 += 1 }
            return missing.withLock { $0 }
        }
        func tend() async {}
        func mend() { missing.withLock { $0 = nil } }
        var isWell: Bool { missing.withLock { $0 == nil } }
    }

    @Test func `what a machine can't start goes back as it was, and nothing more is taken until it can`() async throws {
        try await PoolBench.open { bench in
            let machine = Machine()
            let begun = Mutex(0)
            var handlers = HandlerRegistry()
            handlers.register(
                "work",
                .init(
                    PoolScriptedHandler { _ in
                        begun.withLock { $0 += 1 }
                        guard machine.isWell else {
                            return .hostFault(AttemptFailure(.infrastructure, "no room"))
                        }
                        return .completed(AttemptReport(didStart: true, cost: .zero))
                    }, maxAttempts: 1))
            try await bench.withPool(handlers, slots: 2, host: machine) { pool, _ in
                try await bench.publishWork(1)
                try await eventually("the machine is doubted") { pool.trouble == "no room" }
                try await bench.waitFor(
                    1, "moose.work_orders WHERE state = 'pending' AND attempt = 0 AND error = 'no room'")
                try await eventually("it is looked at again") { machine.probes.withLock { $0 } > 0 }
                let before = begun.withLock { $0 }
                try await bench.publishWork(20)
                try await eventually("it is looked at once more") { machine.probes.withLock { $0 } > 1 }
                #expect(begun.withLock { $0 } == before)
                #expect(try await bench.count("moose.work_orders WHERE attempt > 0") == 0)
                #expect(try await bench.count("moose.budget_holds WHERE state NOT IN ('cancelled')") == 0)
                machine.mend()
                try await bench.waitFor(21, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
                #expect(pool.trouble == nil)
            }
            #expect(try await bench.count("moose.dead_letters") == 0)
            let charged = "moose.outcome_vectors WHERE outcome NOT IN ('completed', 'interrupted')"
            #expect(try await bench.count(charged) == 0)
        }
    }
}
