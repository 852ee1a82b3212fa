import FoundationEssentials
import Postgres
import Store
import Testing
import WorkOrders

@testable import Worker

// Inside, so that both take the broker and the database one after the other.
extension PoolTests {
    /// Handlers that call a model, from the claim to the books.
    @Suite struct ModelTests {
        private static let body = #"{"kind":"review","title":"t"}"#
        /// 4,096 tokens at $15 a million and one at $3, and 29 bytes at a third of $3.
        private static let ownPrice: Int64 = 61_440 + 3 + 29
        /// 2,048 tokens at $1.25 and one at $0.25, and 29 bytes at 84 nano-dollars.
        private static let smallPrice: Int64 = 2561 + 3

        private func withWorker(_ bench: PoolBench, _ body: () async throws -> Void) async throws {
            let folder = try CommandHandlerTestsBench()
            // It takes its folder away when nobody needs it any more.
            defer { withExtendedLifetime(folder) {} }
            try await bench.withPool(handlers(folder)) { _, _ in try await body() }
        }

        /// Both say what they were told and that they read 1,000 tokens and wrote 500.
        private func handlers(_ bench: CommandHandlerTestsBench) -> HandlerRegistry {
            let handler = bench.handler(
                script: """
                    document=$(cat)
                    printf '{"result":{"hold":"%s","tokens":"%s","model":"%s","document":%s},"tokens_in":1000,"tokens_out":500}' \\
                      "$MOOSE_HOLD_USD" "$MOOSE_MAX_TOKENS" "$MOOSE_MODEL" "$document" > "$MOOSE_RESULT_FILE"
                    """)
            var handlers = HandlerRegistry()
            handlers.register(
                "review",
                .init(
                    handler,
                    model: ModelTerms(
                        model: "sonnet", price: ModelPrice(input: 3_000_000, output: 15_000_000), maxTokens: 4096),
                    economy: "review_small"))
            handlers.register(
                "review_small",
                .init(
                    handler,
                    model: ModelTerms(
                        model: "small", price: ModelPrice(input: 250_000, output: 1_250_000), maxTokens: 2048)))
            return handlers
        }

        @Test func `a command is told what it may generate and pays for the tokens it reports`() async throws {
            try await PoolBench.open { bench in
                try await withWorker(bench) {
                    let own = UUID.timeOrdered()
                    let named = UUID.timeOrdered()
                    try await bench.publish([
                        (own, Self.body), (named, #"{"kind":"review","title":"t","estimated_cost_usd":"0.02"}"#),
                    ])
                    try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed'")
                    #expect(try await told(bench, own) == ["0.061472", "4096", "sonnet", "0.061472", "4096", "sonnet"])
                    // 20,000 less 61 bytes and a token of the prompt, at 15 a token.
                    let tokens = "\((20_000 - 57 - 3) / 15)"
                    #expect(try await told(bench, named) == ["0.02", tokens, "sonnet", "0.02", tokens, "sonnet"])
                    #expect(try await hold(bench, own) == Self.ownPrice)
                    #expect(try await hold(bench, named) == 20_000)
                }
                let books = "moose.cost_tracking WHERE entry = 'settled' AND amount_u = 10500"
                #expect(try await bench.count(books) == 2)
                #expect(
                    try await bench.count(
                        """
                        moose.outcome_vectors
                        WHERE tokens_in = 1000 AND tokens_out = 500 AND handler = 'review' AND success
                        """) == 2)
            }
        }

        @Test func `beyond the hard limit the economy handler runs, at its own price`() async throws {
            try await PoolBench.open { bench in
                try await limit(bench, "hard_u = 1000000, kill_u = 100000000", used: "1")
                try await expectEconomy(bench)
            }
        }

        @Test func `with money for the economy handler alone, it runs`() async throws {
            try await PoolBench.open { bench in
                // Room for 40,000: too little for its own 61,472, enough for 2,564.
                try await limit(bench, "hard_u = NULL, kill_u = 100000", used: "0.06")
                try await expectEconomy(bench)
            }
        }

        @Test func `within the limits the order's own handler runs`() async throws {
            try await PoolBench.open { bench in
                try await limit(bench, "hard_u = 1000000, kill_u = 100000000", used: "0.9")
                try await withWorker(bench) {
                    try await bench.publish([(.timeOrdered(), Self.body)])
                    try await bench.waitFor(1, "moose.outcome_vectors WHERE handler = 'review' AND success")
                }
            }
        }

        @Test func `a hold counts against the budget of its model, also in economy mode`() async throws {
            try await PoolBench.open { bench in
                for model in ["sonnet", "small"] {
                    _ = try await bench.control.postgres.run(
                        """
                        INSERT INTO moose.budget_policies (scope, name, period, kill_u)
                        VALUES ('model', \(model), 'day', 50000)
                        """)
                }
                // Above the cap of its own model for good, which the cheap one can't mend.
                try await withWorker(bench) {
                    try await bench.publish([(.timeOrdered(), Self.body)])
                    try await bench.waitFor(1, "moose.work_orders WHERE state = 'failed' AND error LIKE '%never_fits'")
                    _ = try await bench.control.postgres.run(
                        "UPDATE moose.budget_policies SET kill_u = 70000 WHERE name = 'sonnet'")
                    try await bench.publish([(.timeOrdered(), Self.body)])
                    try await bench.waitFor(1, "moose.outcome_vectors WHERE handler = 'review' AND success")
                    // 10,500 are posted: the next one goes to the cheap model.
                    try await bench.publish([(.timeOrdered(), Self.body)])
                    try await bench.waitFor(1, "moose.outcome_vectors WHERE handler = 'review_small' AND success")
                }
                let posted = """
                    moose.budget_buckets b JOIN moose.budget_policies p ON p.id = b.policy_id
                    WHERE (p.name, b.posted_u) IN (('sonnet', 10500), ('small', 875))
                    """
                #expect(try await bench.count(posted) == 2)
            }
        }

        /// Publishes an order and expects the small model to do it: its hold, its tokens, its cost.
        private func expectEconomy(_ bench: PoolBench) async throws {
            let id = UUID.timeOrdered()
            try await withWorker(bench) {
                try await bench.publish([(id, Self.body)])
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                #expect(try await told(bench, id) == ["0.002564", "2048", "small", "0.002564", "2048", "small"])
                #expect(try await hold(bench, id) == Self.smallPrice)
            }
            #expect(try await bench.count("moose.outcome_vectors WHERE handler = 'review_small' AND success") == 1)
            #expect(try await bench.count("moose.budget_holds WHERE handler = 'review_small' AND actual_u = 875") == 1)
            #expect(try await bench.count("moose.cost_tracking WHERE entry = 'settled' AND amount_u = 875") == 1)
        }

        /// Sets limits of the organisation's day, and spends of it.
        private func limit(_ bench: PoolBench, _ limits: String, used: String) async throws {
            _ = try await bench.control.postgres.run(
                """
                UPDATE moose.budget_policies SET soft_u = NULL, \(unescaped: limits) WHERE scope = 'org' AND period = 'day'
                """)
            _ = try await bench.control.postgres.run(
                """
                SELECT public.settle_budget(r.reservation_id, \(used)::text::numeric)
                FROM public.check_and_reserve_budget(\(used)::text::numeric, 'other') r
                """)
        }

        /// What the handler found in its variables, then in its document.
        private func told(_ bench: PoolBench, _ id: UUID) async throws -> [String?] {
            let row = try await bench.control.postgres.run(
                """
                SELECT ARRAY[r ->> 'hold', r ->> 'tokens', r ->> 'model', r #>> '{document,budget,hold_usd}',
                             r #>> '{document,budget,max_tokens}', r #>> '{document,budget,model}']
                FROM moose.work_orders w, CAST(convert_from(w.result, 'UTF8') AS jsonb) r WHERE w.id = \(id)
                """)
            return try #require(row.first).decode(0, as: [String?].self)
        }

        private func hold(_ bench: PoolBench, _ id: UUID) async throws -> Int64 {
            let row = try await bench.control.postgres.run(
                "SELECT estimate_u FROM moose.budget_holds WHERE owner = \(id)")
            return try #require(row.first).decode(0, as: Int64.self)
        }
    }
}
