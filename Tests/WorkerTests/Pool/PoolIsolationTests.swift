import FoundationEssentials
import Postgres
import Publisher
import Store
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// One bad item beside good ones, whatever the database says of it: the good ones go on, it is put aside and told of.
struct PoolIsolationTests {
    /// Ways in which a row may be refused that are nobody's rule: SQL of a trigger.
    private static let refusals = [
        "RAISE EXCEPTION 'no' USING ERRCODE = '22P05'",
        "RAISE EXCEPTION 'no' USING ERRCODE = '54000'",
        "RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'",
        "RAISE EXCEPTION 'no' USING ERRCODE = '42501'",
        "RAISE EXCEPTION 'no' USING ERRCODE = '57014'",
        "RAISE EXCEPTION 'no' USING ERRCODE = '0A000'",
        "RAISE EXCEPTION 'no'",
        "PERFORM pg_terminate_backend(pg_backend_pid())",
    ]

    private static let done = PoolScriptedHandler.registry { _ in
        .completed(AttemptReport(didStart: true, cost: MicroUSD(microdollars: 5000), output: "cursed"))
    }

    /// A trigger that refuses what the condition names.
    private static func curse(
        _ table: String, _ events: String, where condition: String, _ refusal: String, on bench: PoolBench
    ) async throws {
        try await bench.control.postgres.runSimple(
            """
            CREATE FUNCTION public.curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF \(condition) THEN \(refusal); END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER curse BEFORE \(events) ON moose.\(table) FOR EACH ROW EXECUTE FUNCTION public.curse()
            """)
    }

    private static func publish(_ bench: PoolBench, cursed: UUID, others: Int = 30) async throws {
        let middle = others / 2
        try await bench.publishWork(middle)
        try await bench.publish([(cursed, #"{"kind":"work","title":"cursed","estimated_cost_usd":"0.01"}"#)])
        try await bench.publishWork(others - middle)
    }

    @Test(arguments: refusals)
    func `an order whose claim fails alone, for any reason, becomes a dead letter`(_ refusal: String) async throws {
        try await PoolBench.open { bench in
            try await Self.curse("work_orders", "INSERT", where: "NEW.title = 'cursed'", refusal, on: bench)
            let cursed = UUID.timeOrdered()
            try await Self.publish(bench, cursed: cursed)
            try await bench.withPool(Self.done) { pool, _ in
                try await bench.waitFor(30, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(
                    1, "moose.dead_letters WHERE work_order_id = '\(cursed)' AND reason = 'refused'")
                // What comes afterwards goes on as ever.
                try await bench.publishWork(5)
                try await bench.waitFor(35, "moose.work_orders WHERE state = 'completed'")
                #expect(pool.trouble == nil)
                #expect(pool.claims.isolated == 0)
            }
            #expect(try await bench.count("moose.dead_letters") == 1)
        }
    }

    @Test(arguments: refusals)
    func `an end the database refuses in every form frees its slot and settles its cost`(
        _ refusal: String
    ) async throws {
        try await PoolBench.open { bench in
            let cursed = UUID.timeOrdered()
            try await Self.curse(
                "outcome_vectors", "INSERT", where: "NEW.work_order_id = '\(cursed)'", refusal, on: bench)
            try await Self.publish(bench, cursed: cursed)
            let more = Mutex<Int64>(0)
            try await bench.withPool(Self.done) { pool, _ in
                try await bench.waitFor(30, "moose.work_orders WHERE state = 'completed'")
                // An error that may be the server's is an order's own only where others pass.
                try await eventually("it is put aside", timeout: .seconds(60)) {
                    try await bench.publishWork(1)
                    more.withLock { $0 += 1 }
                    return try await bench.count("moose.work_orders WHERE id = '\(cursed)' AND state = 'failed'") == 1
                }
                try await eventually("every slot is free") { pool.running == 0 }
                try await bench.publishWork(5)
                try await bench.waitFor(35 + more.withLock { $0 }, "moose.work_orders WHERE state = 'completed'")
                #expect(pool.trouble == nil)
            }
            #expect(try await bench.count("moose.cost_tracking WHERE amount_u = 5000") == 36 + more.withLock { $0 })
            #expect(try await bench.count("moose.budget_buckets WHERE held_u <> 0") == 0)
            #expect(
                try await bench.count(
                    "moose.dead_letters WHERE work_order_id = '\(cursed)' AND is_order") == 1)
        }
    }

    @Test(arguments: ["RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'", "RAISE EXCEPTION 'no' USING ERRCODE = '22P05'"])
    func `a dead letter the database refuses is kept by its bytes`(_ refusal: String) async throws {
        try await PoolBench.open { bench in
            try await Self.curse(
                "dead_letters", "INSERT",
                where: "NEW.headers::text LIKE '%cursed%' OR NEW.explanation LIKE '%not JSON%'",
                refusal, on: bench)
            try await bench.publish([
                (UUID.timeOrdered(), "{cursed"), (UUID.timeOrdered(), "[]"), (UUID.timeOrdered(), ""),
            ])
            try await bench.publishWork(10)
            try await bench.withPool(Self.done) { pool, _ in
                try await bench.waitFor(10, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(3, "moose.dead_letters")
                #expect(pool.trouble == nil)
            }
        }
    }

    @Test func `a lost order that can't be taken back holds up no other, and fails in the end`() async throws {
        try await PoolBench.open { bench in
            var ids: [UUID] = []
            for _ in 0..<4 {
                let body = Array(#"{"kind":"work","title":"t","estimated_cost_usd":"0.01"}"#.utf8)
                let id = UUID.timeOrdered()
                let item = ClaimItem(
                    form: try WorkOrderMessage.decode(body, messageID: "\(id)", lane: "default"), body: body)
                // A worker that is gone at once.
                let verdicts = try await bench.control.claim(
                    [item], claim: UUID(),
                    terms: ClaimTerms(
                        worker: UUID(), lease: .zero, unknownKindGrace: .seconds(600),
                        kinds: ["work": KindTerms(estimate: .zero)]))
                #expect(verdicts.map(\.label) == ["run"])
                ids.append(id)
            }
            try await Self.curse(
                "outcome_vectors", "INSERT",
                where: "NEW.work_order_id = '\(ids[1])' AND NEW.outcome = 'worker_lost'",
                "RAISE EXCEPTION 'no' USING ERRCODE = 'XX000'", on: bench)
            try await bench.withPool(Self.done, { $0.leasePass = .milliseconds(300) }) { _, _ in
                try await bench.waitFor(3, "moose.work_orders WHERE state = 'completed'")
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'failed' AND id = '\(ids[1])'")
            }
        }
    }

    @Test func `what is apart takes nothing from the others, also with one slot`() async throws {
        try await PoolBench.open { bench in
            try await Self.curse(
                "work_orders", "INSERT", where: "NEW.title = 'cursed'", "RAISE EXCEPTION 'no' USING ERRCODE = '53100'",
                on: bench)
            let cursed = (0..<3).map { _ in UUID.timeOrdered() }
            try await bench.publish(
                cursed.map { ($0, #"{"kind":"work","title":"cursed","estimated_cost_usd":"0.01"}"#) })
            try await bench.publishWork(5)
            try await bench.withPool(Self.done, slots: 1) { pool, _ in
                try await bench.waitFor(5, "moose.work_orders WHERE state = 'completed'")
                #expect(pool.claims.isolated == 3)
                // No disk is nobody's fault: they wait, and go on when there is some.
                try await bench.control.postgres.runSimple("DROP TRIGGER curse ON moose.work_orders")
                try await bench.waitFor(8, "moose.work_orders WHERE state = 'completed'")
            }
            #expect(try await bench.count("moose.dead_letters") == 0)
        }
    }

    @Test func `what comes while a claim apart has the only slot starts when that is free again`() async throws {
        try await PoolBench.open { bench in
            try await Self.curse(
                "work_orders", "INSERT", where: "NEW.title = 'cursed'",
                "PERFORM pg_sleep(0.5); RAISE EXCEPTION 'no' USING ERRCODE = '53100'", on: bench)
            try await bench.publish([(.timeOrdered(), #"{"kind":"work","title":"cursed","estimated_cost_usd":"0.01"}"#)]
            )
            // Nor is it parked in the end, which would hide that it was forgotten.
            try await bench.withPool(Self.done, slots: 1, { $0.patience = .seconds(600) }) { pool, _ in
                try await eventually("its consumer is started anew") {
                    pool.board.look { $0.lanes[0].renewedFor == 1 && !$0.lanes[0].isConsumerPaused }
                }
                for count in 1...Int64(3) {
                    try await eventually("the claim apart has the slot", timeout: .seconds(40)) {
                        pool.board.look { $0.lanes[0].running == 1 && $0.jobs.isEmpty }
                    }
                    try await bench.publishWork(1)
                    try await bench.waitFor(count, "moose.work_orders WHERE state = 'completed'")
                }
                try await bench.control.postgres.runSimple("DROP TRIGGER curse ON moose.work_orders")
                try await bench.waitFor(4, "moose.work_orders WHERE state = 'completed'")
            }
        }
    }
}
