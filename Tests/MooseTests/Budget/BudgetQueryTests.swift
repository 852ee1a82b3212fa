import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import TestSupport
import Testing

@testable import Moose

struct BudgetQueryTests {
    @Test func `show tells only the named budgets, and which don't exist`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(BudgetSet.self, "--project", "shop", "--day", "5")
            let named = try await desk.run(BudgetShow.self, "--project", "shop", "--agent", "nobody")
            #expect(named.text.hasPrefix("project shop, day\n"))
            #expect(named.text.hasSuffix("Set one with `moose budget set --agent nobody --day 100`.\n"))
            #expect(!named.text.contains("org"))
            let all = try await desk.run(BudgetShow.self)
            #expect(all.text.hasPrefix("org, day\n") && all.text.contains("project shop, day\n"))
            guard case .array(let lines) = all.json else {
                Issue.record("no list: \(all.json)")
                return
            }
            #expect(lines.count == 3)
        }
    }

    @Test func `the burn rate comes from what was posted since the first sample of the hour`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await desk.spend("10")
            #expect(try await desk.line().hourlyMicroUSD == nil, "nobody watched yet")
            try await desk.database.runSimple("SELECT moose.sample_burn()")
            try await desk.database.runSimple("UPDATE moose.budget_burn SET at = now() - interval '30 minutes'")
            _ = try await desk.spend("15")
            let line = try await desk.line()
            // 15 dollars in half an hour, give or take the time this test takes.
            let hourly = try #require(line.hourlyMicroUSD)
            #expect(hourly <= 30_000_000 && hourly > 25_000_000)
            let month = try await desk.line(.org, "month")
            #expect(month.burn(at: Date())?.hasPrefix("burns $") == true)
        }
    }

    @Test func `simulate says what a reservation is then told`() async throws {
        try await BudgetDesk.open { desk in
            var random = SplitMix64.seeded()
            let names = ["a", "b"]
            let agents = ["architect", "a"]
            for kind in [BudgetScope.Kind.project, .agent, .handler, .model] {
                try await desk.run(
                    BudgetSet.self, "--\(kind.rawValue)", "a", "--day", "--soft", "5", "--hard", "10", "--kill", "60")
            }
            try await desk.run(BudgetSet.self, "--project", "b", "--day", "30")
            // More than half of what "a" may spend: a second such amount is refused as spent, whatever the seed.
            _ = try await desk.spend("31", metadata: #"{"project": "a", "agent": "a", "model": "a"}"#, handler: "a")
            var seen: [String: Int] = [:]
            for _ in 1...150 {
                switch Int.random(in: 0..<12, using: &random) {
                case 0: try await desk.run(BudgetFreeze.self, "--project", "b", "--reason", "r")
                case 1: _ = await desk.failure(BudgetUnfreeze.self, "--project", "b", "--reason", "r")
                default: break
                }
                let usd = ["0", "0.5", "1", "2", "31", "70"].randomElement(using: &random) ?? "0"
                let project = names.randomElement(using: &random) ?? "a"
                let agent = agents.randomElement(using: &random) ?? "a"
                let simulated = try await desk.run(
                    BudgetSimulate.self, "--usd", usd, "--project", project, "--agent", agent, "--handler", project,
                    "--model", agent)
                guard case .object(let fields) = simulated.json else { return }
                let id = UUID()
                let row = try #require(
                    try await desk.database.run(
                        """
                        SELECT answer, coalesce(reason, answer), state FROM moose.ledger_batch(
                            NULL, NULL, NULL, NULL, NULL, ARRAY[\(id)], ARRAY[0::bigint], ARRAY[0::smallint],
                            ARRAY[\(try AmountArgument.parse(usd, for: "usd"))], ARRAY[\(project)], ARRAY[\(agent)],
                            ARRAY[\(project)], ARRAY[\(agent)], ARRAY[true], ARRAY[3600000::bigint])
                        """
                    ).first)
                let reason = try row.decode(1, as: String.self)
                #expect(fields["status"] == .string(try row.decode(0)), "\(usd) \(project) \(agent): \(reason)")
                #expect(simulated.text.contains(BudgetSimulate.meaning(reason)), "\(reason): \(simulated.text)")
                #expect((simulated.status == .failed) == (fields["granted"] == .bool(false)))
                seen[reason, default: 0] += 1
                if Int.random(in: 0..<2, using: &random) == 0, try row.decode(2, as: String?.self) != nil {
                    try await desk.settle(id, usd)
                }
            }
            for answer in ["normal", "spent", "frozen", "never_fits"] {
                #expect(seen[answer, default: 0] > 0, "the history never came to \(answer): \(seen)")
            }
        }
    }

    @Test func `the exit code tells a script whether it fits, and a mistake is told before anything is connected`()
        async throws
    {
        try await BudgetDesk.open { desk async throws in
            func exitCode(_ usd: String, url: String) async throws -> Int32 {
                let file = "/tmp/moose-budget-\(UUID().uuidString).yaml"
                try "database_url: \(url)\n".write(toFile: file, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(atPath: file) }
                var command = try BudgetSimulate.parse(["--usd", usd, "--json", "--config", file])
                do {
                    try await command.run()
                    return 0
                } catch let code as ExitCode {
                    return code.rawValue
                }
            }
            #expect(try await exitCode("1", url: desk.url) == ExitStatus.ok.rawValue)
            #expect(try await exitCode("1000", url: desk.url) == ExitStatus.failed.rawValue)
            let nowhere = "postgresql://moose@127.0.0.1:1/moose"
            #expect(try await exitCode("1 dollar", url: nowhere) == ExitStatus.usage.rawValue)
            #expect(try await exitCode("1", url: nowhere) == ExitStatus.unreachable.rawValue)
        }
    }

    @Test func `reconcile finds a bucket that disagrees, in the windows that run too`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await desk.spend("1")
            _ = try #require(try await desk.reserve("2"))
            #expect(try await desk.run(BudgetReconcile.self).text == "no difference\n")
            #expect(try await desk.run(BudgetReconcile.self, "--current").status == .ok)
            try await desk.database.runSimple(
                "UPDATE moose.budget_buckets SET posted_u = posted_u + 1 WHERE id = (SELECT min(id) FROM moose.budget_buckets)"
            )
            for answer in [
                try await desk.run(BudgetReconcile.self), try await desk.run(BudgetReconcile.self, "--current"),
            ] {
                #expect(answer.status == .failed)
                #expect(answer.text.contains("org, day") && answer.text.contains("$1.000001"))
            }
            try await desk.database.runSimple(
                "UPDATE moose.budget_buckets SET posted_u = posted_u - 1 WHERE id = (SELECT min(id) FROM moose.budget_buckets)"
            )
        }
    }

    @Test func `a correction posts the difference and says where`() async throws {
        try await BudgetDesk.open { desk in
            let id = try await desk.spend("5")
            let answer = try await desk.run(
                BudgetCorrect.self, "\(id)", "--usd", "2", "--reason", "the invoice says so")
            #expect(answer.text.contains("cost $2.00 instead of $5.00"))
            #expect(answer.text.contains("org, day of 20") && answer.text.contains("org, month of 20"))
            #expect(try await desk.line().postedMicroUSD == 2_000_000)
            try await desk.run(BudgetCorrect.self, "\(id)/0/0", "--usd", "3", "--reason", "and again")
            #expect(try await desk.line().postedMicroUSD == 3_000_000)
            let change = try #require(try await desk.changes().first)
            #expect(change.text(arrow: "->").hasSuffix("cost $2.00 -> $3.00") && change.reason == "and again")
            #expect(try change.who == Who.name())
        }
    }

    @Test func `what can't be corrected is said, and several holds are listed`() async throws {
        try await BudgetDesk.open { desk in
            let nobody = await desk.failure(BudgetCorrect.self, "\(UUID())", "--usd", "1", "--reason", "r")
            #expect(nobody?.what.contains("there is no hold") == true)
            let open = try #require(try await desk.reserve("1"))
            let failure = await desk.failure(BudgetCorrect.self, "\(open)", "--usd", "1", "--reason", "r")
            #expect(failure?.status == .refused && failure?.what.contains("still open") == true)
            let id = UUID()
            _ = try await desk.database.run(
                """
                SELECT * FROM moose.ledger_batch(NULL, NULL, NULL, NULL, NULL, ARRAY[\(id), \(id)],
                    ARRAY[1::bigint, 2], ARRAY[0, 0]::smallint[], ARRAY[1000000::bigint, 2000000], ARRAY[NULL, NULL]::text[],
                    ARRAY[NULL, NULL]::text[], ARRAY['work', 'work'], ARRAY[NULL, NULL]::text[], ARRAY[true, true],
                    ARRAY[60000::bigint, 60000])
                """)
            _ = try await desk.database.run(
                "SELECT * FROM moose.close_holds(ARRAY[\(id), \(id)], ARRAY[1::bigint, 2], NULL, NULL, ARRAY[true, true])"
            )
            let several = await desk.failure(BudgetCorrect.self, "\(id)", "--usd", "1", "--reason", "r")
            #expect(several?.status == .usage)
            #expect(several?.what.contains("\(id.uuidString.lowercased())/2/0") == true, "\(several as Any)")
            try await desk.run(BudgetCorrect.self, "\(id)/2", "--usd", "0.5", "--reason", "r")
            #expect(try await desk.line().postedMicroUSD == 1_500_000)
        }
    }
}
