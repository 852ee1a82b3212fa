package import AMQP
internal import FoundationEssentials
internal import Messaging
package import Spool

/// Publishes work orders, or keeps them on this machine's disk while the broker is away. They keep their order: what was
/// spooled goes out first.
///
/// Every message needs its id before, so that what is sent twice runs once.
package struct SpoolingPublisher: Sendable {
    /// Where messages went. Those on disk are replayed by the next publish through a spool of this folder, by `moose spool
    /// flush`, or by a worker or Client Manager that uses the folder.
    package enum Result: Sendable, Equatable {
        /// The broker confirmed all of them, and before them so many that had been spooled.
        case published(replayed: Int)
        /// They are safe in this file. Some may have been published as well.
        case spooled(file: String, reason: String)
    }

    private let publisher: AMQPPublisher
    private let orders: WorkOrderPublisher
    private let spool: Spool

    package init(_ publisher: AMQPPublisher, spool: Spool) {
        self.publisher = publisher
        orders = WorkOrderPublisher(publisher)
        self.spool = spool
    }

    /// Those of their lanes that have no queue.
    /// - Throws: `AMQPError`, also while the broker is away: then nobody can tell.
    package func lanesWithoutQueue(_ messages: [OutgoingMessage]) async throws -> Set<String> {
        try await publisher.connect()
        return try await orders.lanesWithoutQueue(messages)
    }

    /// Returns when the broker confirmed all, or all are on disk.
    /// - Parameter patience: how long to try the broker before the disk is taken. Default 5 s.
    /// - Throws: ``UnknownLane`` while the broker is there; ``MessageWithoutID``; ``SpoolError`` when they are neither
    ///   published nor on disk for certain; `AMQPError` for what waiting can't mend.
    package func publish(_ messages: [OutgoingMessage], patience: Duration = .seconds(5)) async throws -> Result {
        let records = try records(messages)
        do {
            try await publisher.connect()
            let done = try await flush(patience: patience)
            try await orders.publish(messages, deadline: patience)
            return .published(replayed: done.messages)
        } catch let error as AMQPError where error.isWorthSpooling {
            return .spooled(file: try await spool.append(records, as: .orders), reason: "\(error)")
        }
    }

    /// Spools them without asking the broker; returns the file when they will survive a power cut.
    package func keep(_ messages: [OutgoingMessage]) async throws -> String {
        try await spool.append(records(messages), as: .orders)
    }

    /// What is called safe must be publishable later: a message over the limit is refused now.
    private func records(_ messages: [OutgoingMessage]) throws -> [SpoolRecord] {
        try publisher.check(messages)
        var records: [SpoolRecord] = []
        for (index, message) in messages.enumerated() {
            guard let record = SpoolRecord(message) else { throw MessageWithoutID(index: index) }
            records.append(record)
        }
        return records
    }

    /// Publishes the orders that were spooled, the oldest first; what a living process holds is left to it.
    package func flush(patience: Duration = .seconds(30)) async throws -> SpoolReplay {
        guard try await spool.hasFiles([.orders]) else { return SpoolReplay() }
        return try await spool.replay([.orders]) { _, records in
            try await publisher.replay(records, deadline: patience)
        }
    }
}

/// A message that can't be spooled: sent twice, it would run twice.
package struct MessageWithoutID: Error, Equatable, Sendable, CustomStringConvertible {
    package let index: Int

    package var description: String { "message \(index) has no id in message_id. Give it one, a UUID" }
}

extension AMQPError {
    /// The broker is away, or a queue of it is full: later it may take the same messages.
    package var isWorthSpooling: Bool {
        if case .nacked = self { true } else { isAway }
    }
}
