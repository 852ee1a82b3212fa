import Testing

@testable import Postgres

@Suite(.timeLimit(.minutes(1))) struct `Notifications` {
    /// A channel no other test uses, with a character that must be quoted.
    private let channel = "moose \"test\" \(UInt64.random(in: 0 ... .max))"

    @Test func `arrive once the channel is listened to`() async throws {
        try await Server.withClient { client in
            var events = client.notifications(on: channel).makeAsyncIterator()
            #expect(await events.next() == PostgresNotification(channel: channel, kind: .listening))
            for payload in ["one", "", "three"] {
                _ = try await client.run("SELECT pg_notify(\(channel), \(payload))")
                #expect(await events.next()?.kind == .notification(payload: payload))
            }
        }
    }

    @Test func `reach every subscriber of their channel and no other`() async throws {
        try await Server.withClient { client in
            var one = client.notifications(on: channel).makeAsyncIterator()
            var two = client.notifications(on: channel).makeAsyncIterator()
            var other = client.notifications(on: channel + "x").makeAsyncIterator()
            _ = await (one.next(), two.next(), other.next())
            _ = try await client.run("SELECT pg_notify(\(channel), 'a'), pg_notify(\(channel + "x"), 'b')")
            #expect(await nextPayload(&one) == "a")
            #expect(await nextPayload(&two) == "a")
            #expect(await nextPayload(&other) == "b")
        }
    }

    @Test func `begin anew after a lost connection, which subscribers are told`() async throws {
        try await Server.withClient { client in
            var events = client.notifications(on: channel).makeAsyncIterator()
            #expect(await events.next()?.kind == .listening)
            let cut = try await client.run(
                """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE query = \("LISTEN " + SQLQuoting.identifier(channel))
                """)
            #expect(try cut.first?.decode(0, as: Int.self) == 1)
            #expect(await events.next()?.kind == .listening)
            _ = try await client.run("SELECT pg_notify(\(channel), 'again')")
            #expect(await events.next()?.kind == .notification(payload: "again"))
        }
    }

    @Test func `end with the client`() async throws {
        let client = try PostgresClient(configuration: Server.configuration(), maxConnections: 1)
        let events = client.notifications(on: channel)
        await client.close()
        for await _ in events {}
        for await _ in client.notifications(on: channel) {}
    }

    @Test func `end on a name the server refuses`() async throws {
        try await Server.withClient { client in
            for await event in client.notifications(on: "") { Issue.record("got \(event)") }
        }
    }

    /// Passes over repeated notes that the channel is listened to: each new subscriber causes one.
    private func nextPayload(_ events: inout AsyncStream<PostgresNotification>.Iterator) async -> String? {
        while let event = await events.next(isolation: #isolation) {
            if case .notification(let payload) = event.kind { return payload }
        }
        return nil
    }
}
