package import AMQP
package import FoundationEssentials
internal import Messaging
package import Store

/// Sends dead letters back to where they were going. Any number may run, and any may be killed at any point.
///
/// A message is leased, published, confirmed and only then marked. A redriver that dies in between leaves leased
/// letters: the next one waits for the lease to end and publishes them again under the same ids, and the claim drops
/// what it has had. A letter of a failed order needs no message: the order goes back to `pending` and its letter closes
/// in one commit.
package struct Redriver: Sendable {
    /// How many letters one round takes.
    package static let batch = 500

    private let store: Store
    private let publisher: AMQPPublisher
    private let who: String
    private let why: String?
    private let limit: Int
    private let lease: Duration

    /// - Parameters:
    ///   - limit: bytes of the largest body that is published. Default 16 MiB.
    ///   - lease: how long a round may take before others see its letters again. Default 30 s.
    package init(
        store: Store, publisher: AMQPPublisher, who: String, why: String?, limit: Int = 16 << 20,
        lease: Duration = .seconds(30)
    ) {
        self.limit = limit
        self.store = store
        self.publisher = publisher
        self.who = who
        self.why = why
        self.lease = lease
    }

    /// Redrives these letters, those of them that are dead.
    /// - Parameters:
    ///   - rate: at most so many a second; nil: as fast as it goes.
    ///   - progress: hears how many of the letters are done.
    /// - Throws: when the database or the broker is away. What was not confirmed is dead still.
    package func run(
        _ letters: [UUID], _ redrive: Redrive = Redrive(), rate: Int? = nil,
        progress: (_ done: Int) -> Void = { _ in }
    ) async throws -> RedriveCounts {
        var counts = RedriveCounts()
        var lanes: [String: Bool] = [:]
        var pace = RedrivePace(rate: rate)
        var waiting = letters
        var seenFree: Set<UUID> = []
        while !waiting.isEmpty {
            var passed: [UUID] = []
            for start in stride(from: 0, to: waiting.count, by: pace.batch) {
                let chunk = Array(waiting[start..<min(start + pace.batch, waiting.count)])
                for piece in try await store.letterPieces(chunk) {
                    passed += try await round(piece, redrive, &lanes, &counts)
                }
                progress(counts.messages + counts.orders)
                try await pace.wait(after: chunk.count)
            }
            // What another redriver holds is its own until its lease ends; what nobody holds is tried once more.
            let open = try await store.openLetters(passed)
            let free = Set(open.filter { !$0.isHeld }.map(\.id))
            let stuck = free.intersection(seenFree)
            let holders = Dictionary(open.map { ($0.id, $0.keyHolder) }) { first, _ in first }
            counts.left += stuck.map { letter in
                guard case .some(.some(let holder)) = holders[letter] else {
                    return (letter: letter, why: "its work order is gone, or went on by itself")
                }
                return (letter: letter, why: "the work order \(holder.uuidString.lowercased()) holds its unique key")
            }
            seenFree.formUnion(free)
            waiting = open.map(\.id).filter { !stuck.contains($0) }
            if waiting.count > free.count - stuck.count { try await Task.sleep(for: .milliseconds(500)) }
        }
        return counts
    }

    /// - Returns: those of the chunk that could not be taken.
    private func round(
        _ chunk: [UUID], _ redrive: Redrive, _ lanes: inout [String: Bool], _ counts: inout RedriveCounts
    ) async throws -> [UUID] {
        let isOther = redrive.body != nil || redrive.hasNewID
        if !isOther { counts.orders += try await store.redriveOrders(chunk, who: who, why: why) }
        let token = UUID()
        let taken = try await store.leaseLetters(chunk, lease: token, for: lease, includingOrders: isOther)
        guard !taken.isEmpty else { return chunk }
        var messages: [(id: UUID, message: OutgoingMessage)] = []
        var kept: [(letter: UUID, why: String)] = []
        for letter in taken {
            if let obstacle = redrive.obstacle(letter) {
                kept.append((letter.id, obstacle))
                continue
            }
            do {
                let message = try redrive.message(letter)
                if message.body.count > limit {
                    kept.append(
                        (letter.id, "it has \(message.body.count) bytes; defaults.max_message_bytes is \(limit)"))
                } else if try await hasQueue(message, &lanes) {
                    messages.append((letter.id, message))
                } else {
                    kept.append((letter.id, UnknownLane(lane: message.routingKey).description))
                }
            } catch let error as DecodingError {
                kept.append((letter.id, "what is stored of it can't be read: \(error)"))
            } catch is Redrive.UnreadableProperties {
                // It is told with the counts, as above.
                kept.append((letter.id, "AMQP can't carry what is stored of its properties"))
            }
        }
        var confirmed: [Int] = []
        do {
            let refused = try await publisher.publishEach(messages.map(\.message), deadline: .seconds(20)) {
                confirmed += $0
            }
            // One that the broker refuses for what it is stays dead, and holds up no other.
            kept += refused.map { (letter: messages[$0.key].id, why: Self.words($0.value)) }
        } catch {
            try await mark(confirmed.map { messages[$0] }, token, &counts)
            try await store.releaseLetters(taken.map(\.id), lease: token)
            throw error
        }
        try await mark(confirmed.map { messages[$0] }, token, &counts)
        try await store.releaseLetters(kept.map(\.letter), lease: token)
        counts.left += kept
        let known = Set(taken.map(\.id))
        return chunk.filter { !known.contains($0) }
    }

    private func mark(
        _ messages: [(id: UUID, message: OutgoingMessage)], _ token: UUID, _ counts: inout RedriveCounts
    ) async throws {
        guard !messages.isEmpty else { return }
        let marked = try await store.markRedriven(
            messages.map(\.id),
            details: messages.map { entry in
                let place = entry.message.exchange.isEmpty ? "queue" : "exchange \(entry.message.exchange), routing key"
                return
                    "to \(place) \(entry.message.routingKey) as \(entry.message.properties.messageID ?? "a message without id")"
            }, lease: token, who: who, why: why)
        counts.messages += messages.count
        counts.cameBack += messages.count - marked
    }

    /// The alternate exchange takes what no lane takes, so the broker itself reports no unknown lane.
    private func hasQueue(_ message: OutgoingMessage, _ lanes: inout [String: Bool]) async throws(AMQPError) -> Bool {
        guard message.exchange == MooseTopology.workExchange else { return true }
        if let known = lanes[message.routingKey] { return known }
        let found = try await publisher.queueExists(MooseTopology.workQueue(lane: message.routingKey))
        lanes[message.routingKey] = found
        return found
    }

    private static func words(_ error: AMQPError) -> String {
        switch error {
        case .returned(_, let text), .notFound(let text): text
        default: "\(error)"
        }
    }
}
