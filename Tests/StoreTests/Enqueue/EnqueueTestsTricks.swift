import FoundationEssentials
import Postgres
import Store
import TestSupport
import Testing

extension EnqueueTests {
    @Test func `the role may do what the page says, whatever it tries`() async throws {
        try await EnqueueDoor.open { door in
            try await RoleTricks(role: EnqueueDoor.role, client: door.client, desk: door.desk).check()
        }
    }

    @Test func `a session that shadows everything enqueues as any other, and on disk`() async throws {
        try await EnqueueDoor.open { door in
            let usual = try await door.enqueue(
                "'work', '{\"a\": [1.5, null]}', title => 't', run_at => '2027-03-04 05:06:07+00', estimated_cost_usd => 0.1"
            )
            try await door.client.withConnection(reusable: false) { session in
                try await session.runSimple(RoleTricks.shadows)
                try await session.runSimple(
                    """
                    BEGIN;
                    SELECT public.enqueue_work_order('work', '{"a": [1.5, null]}', title => 't',
                                         run_at => '2027-03-04T05:06:07Z', estimated_cost_usd => 0.1);
                    SELECT pg_catalog.set_config('moose.seen', pg_catalog.current_setting('synchronous_commit'), false);
                    COMMIT
                    """)
                let seen = try await session.run("SELECT pg_catalog.current_setting('moose.seen')").first
                #expect(try seen?.decode(0, as: String.self) == "on")
            }
            let bodies = try await door.bodies().map { order in
                String(decoding: order.body, as: UTF8.self)
                    .replacing(order.id.uuidString.lowercased(), with: "id")
            }
            #expect(bodies.count == 2 && bodies[0] == bodies[1], "\(bodies), \(usual)")
        }
    }
}
