internal import Postgres
internal import TestSupport
internal import Testing

/// What must hold at the end of a story, whatever happened in it.
extension MooseDatabase {
    /// Every bucket agrees with its holds and its ledger.
    package func expectBalancedBooks() async throws {
        #expect(try await count("moose.reconcile()") == 0, "the buckets disagree with the ledger")
    }

    /// Every order that is alive stands in its live set, and no other does.
    package func expectWholeLiveSets() async throws {
        #expect(try await count("moose.live_set_differences()") == 0, "a live set lacks an order")
    }

    /// The error events that SQL functions wrote keep the published schema.
    package func expectPublishedEvents() async throws {
        let schema = try JSONSchema(JSONValue(Repository.text("docs/schemas/error-event.v1.schema.json")))
        let rows = try await client.run(
            "SELECT convert_from(body, 'UTF8') FROM moose.outbox WHERE type = 'moose.error-event.v1'"
        ).rows
        for row in rows {
            let event = try row.decode(String.self)
            #expect(try schema.accepts(JSONValue(event)), "\(event)")
        }
    }
}
