internal import AMQP
internal import Publisher
internal import Settings

/// `moose publish --spool`: to the broker, else to the disk.
struct SpoolingSend {
    private let settings: Settings
    private let folder: String?
    /// How long one batch may take before the broker counts as away.
    private static let patience = Duration.seconds(10)

    init(_ settings: Settings, folder: String?) {
        self.settings = settings
        self.folder = folder
    }

    /// - Parameter leaveOut: gets the lanes that have no queue, unless the broker is away and nobody can tell; returns
    ///   what is left.
    /// - Returns: whether any of them wait on disk.
    func send(
        _ messages: [OutgoingMessage], leaveOut: (Set<String>) throws -> [OutgoingMessage]
    ) async throws -> Bool {
        let spool = try SpoolPlace.spool(settings, folder: folder)
        var configuration = try AMQPConfiguration(settings)
        configuration.connectionName = "moose command"
        configuration.connectTimeout = Self.patience
        let connection = try AMQPPublisher(configuration: configuration)
        let publisher = SpoolingPublisher(connection, spool: spool)
        var isSpooled = false
        let result = await asyncResult {
            let lanes: Set<String>
            do {
                lanes = try await publisher.lanesWithoutQueue(messages)
            } catch let error as AMQPError where error.isWorthSpooling {
                tell(messages.count, in: try await publisher.keep(messages), reason: "\(error)")
                isSpooled = true
                return
            }
            let messages = try leaveOut(lanes)
            for start in stride(from: 0, to: messages.count, by: 2000) {
                let batch = Array(messages[start..<min(start + 2000, messages.count)])
                switch try await publisher.publish(batch, patience: Self.patience) {
                case .published(let replayed):
                    if replayed > 0 {
                        StandardError.write("moose: \(NumberText.counted(replayed, "order")) of the spool went first\n")
                    }
                case .spooled(let file, let reason):
                    // Those behind keep their place: they are spooled too.
                    let rest = Array(messages[(start + batch.count)...])
                    if !rest.isEmpty { _ = try await publisher.keep(rest) }
                    tell(messages.count - start, in: file, reason: reason)
                    isSpooled = true
                    return
                }
            }
        }
        await connection.close()
        try result.get()
        return isSpooled
    }

    private func tell(_ count: Int, in file: String, reason: String) {
        let (are, them) = count == 1 ? ("is", "it") : ("are", "them")
        StandardError.write(
            "moose: \(reason). \(NumberText.counted(count, "order")) \(are) safe in \(file). "
                + "`moose spool flush` sends \(them), and so does any worker here\n")
    }
}
