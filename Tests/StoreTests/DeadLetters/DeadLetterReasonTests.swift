import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

/// A letter's reason is a value: one list, the same in the program, in the database and on the page for people.
struct DeadLetterReasonTests {
    @Test func `the database takes the reasons that this program knows and the page tells of, and no other`()
        async throws
    {
        let page = try Repository.text("docs/dead-letters.md")
        for reason in DeadLetterReason.allCases {
            #expect(page.contains("`\(reason.rawValue)`"), "docs/dead-letters.md lacks \(reason.rawValue)")
        }
        try await StoreDesk.open { desk in
            let known = try await desk.value("SELECT moose.dead_letter_reasons()", as: [String].self)
            #expect(known.sorted() == DeadLetterReason.allCases.map(\.rawValue).sorted())
            await #expect(throws: PostgresError.self) {
                try await desk.run(
                    """
                    INSERT INTO moose.dead_letters (id, reason, explanation, body, digest)
                    VALUES (gen_random_uuid(), 'bad luck', 'e', '', '')
                    """)
            }
        }
    }

    @Test func `an order that fails again for another cause has a letter of that cause, whatever its error says`()
        async throws
    {
        try await StoreDesk.open { desk in
            let dear = try StoreDesk.order(usd: "100000")
            #expect(try await desk.claim([dear]) == [.overBudget(reason: "never_fits")])
            let letter = try await desk.value("SELECT id FROM moose.dead_letters WHERE state = 'dead'", as: UUID.self)
            #expect(try await desk.store.redriveOrders([letter], who: "ann", why: nil) == 1)
            #expect(try await desk.count("moose.work_orders WHERE letter_reason IS NULL") == 1)
            try await desk.run("UPDATE moose.work_orders SET estimate_u = 0")
            let token = try await desk.start(StoreDesk.registered(dear.id))
            // Its program isn't installed, which is no failed dependency, and it complains as the budget does.
            let failure = AttemptFailure(.dependencyMissing, "budget refused: never_fits")
            #expect(try await desk.end(dear.id, token, .failed(failure)))
            #expect(
                try await desk.value("SELECT reason FROM moose.dead_letters WHERE state = 'dead'", as: String.self)
                    == "exhausted")
        }
    }

    @Test func `a letter of a reason that this program doesn't know is an error and no other reason`() async throws {
        try await StoreDesk.open { desk in
            let item = try StoreDesk.order()
            try await desk.end(item.id, try await desk.start(item), .failed(AttemptFailure(.testFail, "red")))
            // As a later version of the schema would have it.
            try await desk.run(
                """
                ALTER TABLE moose.dead_letters DROP CONSTRAINT dead_letters_reason_check;
                UPDATE moose.dead_letters SET reason = 'bad_luck'
                """)
            let letter = try await desk.value("SELECT id FROM moose.dead_letters", as: UUID.self)
            let error = await #expect(throws: PostgresError.self) {
                try await desk.store.leaseLetters([letter], lease: UUID(), for: .seconds(30), includingOrders: true)
            }
            #expect(error?.description.contains("'bad_luck', which this version does not know") == true)
        }
    }
}
