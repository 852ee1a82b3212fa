import AMQP
import ClientManager
import DatabaseSupport
import FoundationEssentials
import Logging
import Messaging
import Postgres
import Reporting
import Spool
import Stack
import Store
import TestSupport
import Testing
import WorkOrders

/// A process that reports, with servers that nobody else uses, and a spool folder.
struct NetsBench: Sendable {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    static let topology = MooseTopology.topology(lanes: ["default"])

    let stack: Stack
    let store: Store
    let publisher: AMQPPublisher
    let folder: String

    static func open(_ body: (NetsBench) async throws -> Void) async throws {
        try await withOwnServers { stack in
            let url = try stack.databaseURL(database: "moose")
            try await MooseDatabase.migrate(url)
            let client = try PostgresClient(configuration: PostgresConfiguration(url: url), maxConnections: 2)
            let publisher = try AMQPPublisher(
                configuration: AMQPConfiguration(url: try stack.amqpURL(virtualHost: "moose")), topology: topology)
            try await publisher.connect()
            let bench = NetsBench(
                stack: stack, store: Store(client), publisher: publisher,
                folder: FileManager.default.temporaryDirectory.path + "/moose-spool-\(UUID().uuidString)")
            defer {
                // Gone already where nothing was spooled.
                try? FileManager.default.removeItem(atPath: bench.folder)
            }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(bench))
            } catch {
                result = .failure(error)
            }
            await publisher.close()
            await client.close()
            try result.get()
        }
    }

    /// A process of its own as far as spool and reports go. Its end without ``ReportDelivery/finish(within:)`` is what a
    /// kill leaves: the lock is given back, and what is in memory is gone.
    func withProcess(_ body: (Reporter) async throws -> Void) async throws {
        let reporter = Reporter(component: "worker", logger: Self.logger)
        let delivery = ReportDelivery(
            reporter, store: store, publisher: publisher, spool: try Spool(folder: folder), logger: Self.logger)
        let running = Task { await delivery.run() }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(reporter))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        await running.value
        try result.get()
    }

    /// Reports so many failures with different causes, and waits until a net has each.
    func report(_ count: Int, of operation: String, by reporter: Reporter) async throws {
        for number in 0..<count {
            reporter.report(
                operation, "\(Self.word(number)) broke", failureClass: .infrastructure, details: ["number": "\(number)"]
            )
        }
        try await eventually("every report is in a net", timeout: .seconds(60)) { reporter.isDelivered }
    }

    /// Letters only: numbers don't make causes different.
    private static func word(_ number: Int) -> String {
        String("\(number)".map { Character(Unicode.Scalar(UInt8(97) + UInt8($0.wholeNumberValue ?? 0))) })
    }

    /// Lets a Client Manager work until the events of the operation are counted; then none may be counted twice.
    func expectCounted(_ count: Int64, of operation: String) async throws {
        let consumer = try AMQPConsumer(
            configuration: AMQPConfiguration(url: try stack.amqpURL(virtualHost: "moose")), topology: Self.topology)
        try await eventually("the broker is back", timeout: .seconds(60)) {
            do {
                try await consumer.connect()
                return true
            } catch {
                // It starts; the next look may find it.
                return false
            }
        }
        let service = ClientManagerService(
            store: store, consumer: consumer, publisher: publisher, logger: Self.logger)
        let (stops, stop) = AsyncStream<Void>.makeStream()
        let running = Task { try await service.run(until: stops) }
        let result: Result<Void, any Error>
        do {
            try await wait(for: count, "moose.escalations WHERE operation = '\(operation)'", sum: "count")
            // The queue is in order and the outbox is empty: what could be counted twice was there before this.
            try await wait(for: 0, "moose.outbox", sum: "1")
            try await publisher.publish([
                try .errorEvent(
                    ErrorEvent(
                        component: "test", operation: "last of \(operation)", severity: .warning, message: "last"))
            ])
            try await wait(for: 1, "moose.escalations WHERE operation = 'last of \(operation)'", sum: "count")
            #expect(try await sum("moose.escalations WHERE operation = '\(operation)'", of: "count") == count)
            #expect(
                try await sum(
                    "moose.escalation_events v JOIN moose.escalations e ON e.id = v.escalation_id "
                        + "WHERE e.operation = '\(operation)'", of: "1") == count)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        stop.finish()
        try await running.value
        await consumer.close()
        try result.get()
    }

    private func wait(for wanted: Int64, _ source: String, sum: String) async throws {
        var seen: Int64 = -1
        try await eventually("the sum over \(source) is \(wanted), at last \(seen)", timeout: .seconds(60)) {
            seen = try await self.sum(source, of: sum)
            return seen == wanted
        }
    }

    func sum(_ source: String, of what: String) async throws -> Int64 {
        let result = try await store.postgres.run(
            "SELECT coalesce(sum(\(unescaped: what)), 0)::bigint FROM \(unescaped: source)")
        return try #require(result.first).decode(0, as: Int64.self)
    }

    var spoolFiles: [String] {
        get throws {
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        }
    }
}
