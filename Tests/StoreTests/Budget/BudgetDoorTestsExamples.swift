import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

/// What docs/budget-from-sql.md and docs/examples promise, by running them.
extension BudgetDoorTests {
    private static let shell = "docs/examples/budget_with_psql.sh"
    private static let python = "docs/examples/budget_with_psycopg2.py"

    @Test func `the page's examples run as they stand there`() async throws {
        try await BudgetDoor.open { door in
            let page = try String(
                contentsOf: URL(filePath: "\(BudgetDoor.repository)/docs/budget-from-sql.md"), encoding: .utf8)
            let folder = String(try await BudgetDoor.run("mktemp -d", [:]).output.dropLast())
            // The page works in the clone; here nothing may be left behind in it.
            _ = try await BudgetDoor.run(
                "ln -s '\(BudgetDoor.repository)/docs' '\(BudgetDoor.repository)/deploy' \(folder)", [:])
            let shell = Self.blocks("sh", of: page)
            #expect(shell.count == 4)
            let session = try await BudgetDoor.run(shell.joined(separator: "\n"), door.environment, in: folder)
            #expect(session.status == 0, "\(session.error)")
            #expect(session.output.contains("budget: settled\n"))
            #expect(session.output.contains("settled at $0.03\n"))
            let python = Self.blocks("python", of: page)
            #expect(python.count == 1)
            var environment = door.environment
            environment["PYTHONPATH"] = "docs/examples"
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            environment["PROGRAM"] = python.joined()
            let program = try await BudgetDoor.run("/usr/bin/python3 -c \"$PROGRAM\"", environment, in: folder)
            #expect(program.status == 0 && program.output.isEmpty, "\(program)")
            _ = try await BudgetDoor.run("rm -r \(folder)", [:])
            // Pages 7, 8, 9 and 10, each settled.
            #expect(try await door.day() == [0, 31_000 + 31_000 + 30_000 + 31_000])
            #expect(
                try await door.desk.count(
                    """
                    moose.budget_holds WHERE state = 'settled' AND handler = 'translator'
                    AND metadata ->> 'idempotency_key' LIKE 'page %'
                    """) == 4)
        }
    }

    /// The fenced blocks of a language.
    static func blocks(_ language: String, of page: String) -> [String] {
        var blocks: [String] = []
        var open = false
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```\(language)" {
                open = true
                blocks.append("")
            } else if line == "```" {
                open = false
            } else if open {
                blocks[blocks.count - 1] += line + "\n"
            }
        }
        return blocks
    }

    @Test func `the shell example runs nothing without money and gives back what never started`() async throws {
        try await BudgetDoor.open { door in
            let refused = try await BudgetDoor.run("\(Self.shell) 100.01 svc a echo ran", door.environment)
            #expect(refused.status == 75 && refused.output.isEmpty && refused.error.contains("no room"))
            let missing = try await BudgetDoor.run("\(Self.shell) 1 svc b /no/such/program", door.environment)
            #expect(missing.status == 127 && missing.output == "budget: cancelled\n")
            #expect(try await door.day() == [0, 0])
            let failed = try await BudgetDoor.run(
                "\(Self.shell) 1 svc c sh -c 'echo 0.4 > \"$BUDGET_COST_FILE\"; exit 9'", door.environment)
            #expect(failed.status == 9 && failed.output == "budget: settled\n")
            var environment = door.environment
            environment["BUDGET_METADATA"] = #"{"project": "shop's"}"#
            let silent = try await BudgetDoor.run("\(Self.shell) 1 \"it's\" d true", environment)
            #expect(silent.status == 0 && silent.error.contains("presumed spent"))
            #expect(try await door.day() == [1_000_000, 400_000])
            #expect(
                try await door.desk.count(
                    "moose.budget_holds WHERE handler = 'it''s' AND metadata ->> 'project' = 'shop''s'") == 1)
            environment["PGPASSWORD"] = "wrong"
            let locked = try await BudgetDoor.run("\(Self.shell) 1 svc e echo ran", environment)
            #expect(locked.status == 3 && locked.output.isEmpty)
        }
    }

    @Test func `the Python example answers refusals, wrong input and an absent database apart`() async throws {
        try await BudgetDoor.open { door in
            let refused = try await BudgetDoor.run("\(Self.python) 100.01 svc", door.environment)
            #expect(refused.status == 75 && refused.error.contains("no room"), "\(refused)")
            #expect(try await BudgetDoor.run("\(Self.python) -1 svc", door.environment).status == 2)
            #expect(try await BudgetDoor.run("\(Self.python) much svc", door.environment).status == 2)
            var environment = door.environment
            environment["PGPASSWORD"] = "wrong"
            #expect(try await BudgetDoor.run("\(Self.python) 1 svc", environment).status == 3)
            #expect(try await door.desk.count("moose.budget_holds") == 0)
        }
    }

    @Test func `the Python class settles what was spent before an error and asks again after a lost connection`()
        async throws
    {
        try await BudgetDoor.open { door in
            var environment = door.environment
            environment["PYTHONPATH"] = "docs/examples"
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
            environment["PROGRAM"] = """
                import os, socket
                from budget_with_psycopg2 import Budget
                budget = Budget()
                try:
                    with budget.reserved("1", "svc") as reservation:
                        reservation.spent("0.4")
                        budget.connection.cursor().execute("SELECT 1")
                        # The line is dead, and nobody said so.
                        socket.socket(fileno=os.dup(budget.connection.fileno())).shutdown(socket.SHUT_RDWR)
                        raise ValueError("no good")
                except ValueError as error:
                    print(error)
                """
            let program = try await BudgetDoor.run("/usr/bin/python3 -c \"$PROGRAM\"", environment)
            #expect(program.status == 0 && program.output == "no good\n", "\(program)")
            #expect(try await door.day() == [0, 400_000])
        }
    }
}
