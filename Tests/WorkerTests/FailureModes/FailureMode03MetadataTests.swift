import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Failure mode 3: many write an order's metadata at the same time.
struct FailureMode03MetadataTests {
    @Test func `of two hundred metadata updates at the same time none is lost`() async throws {
        try await PoolBench.open { bench in
            let gate = PoolGate()
            let handlers = PoolScriptedHandler.registry { _ in
                await gate.pass()
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            try await bench.withPool(handlers) { _, _ in
                defer { gate.open() }
                let id = try await bench.publishWork(1)[0]
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'in_progress'")
                // Three connections, and the worker's own end in between.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<200 {
                        let store = number % 2 == 0 ? bench.store : bench.control
                        group.addTask {
                            _ = try await store.postgres.run(
                                "SELECT moose.merge_metadata(\(id), jsonb_build_object('key ' || \(Int64(number)), 1))")
                        }
                    }
                    gate.open()
                    try await group.waitForAll()
                }
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
            }
            #expect(
                try await bench.count("moose.work_orders w, jsonb_object_keys(w.metadata) k WHERE k LIKE 'key %'")
                    == 200)
        }
    }

    @Test func `metadata of an order that isn't there, or that is no object, is an error`() async throws {
        try await PoolBench.open { bench in
            await #expect(throws: (any Error).self) {
                _ = try await bench.control.postgres.run("SELECT moose.merge_metadata(\(UUID()), '{}')")
            }
            await #expect(throws: (any Error).self) {
                _ = try await bench.control.postgres.run("SELECT moose.merge_metadata(\(UUID()), '[1]')")
            }
        }
    }
}
