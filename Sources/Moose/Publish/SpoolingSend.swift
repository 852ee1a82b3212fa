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

    /// - Returns: whether any of them wait on disk.
    func send(_ messages: [OutgoingMessage]) async throws -> Bool {
        let spool = try SpoolPlace.spool(settings, folder: folder)
        var configuration = try AMQPConfiguration(url: settings.broker.url)
        configuration.connectionName = "moose command"
        configuration.connectTimeout = Self.patience
        let connection = try AMQPPublisher(configuration: configuration)
        let publisher = SpoolingPublisher(connection, spool: spool)
        var isSpooled = false
        let result = await asyncResult {
            for start in stride(from: 0, to: messages.count, by: 2000) {
                let batch = Array(messages[start..<min(start + 2000, messages.count)])
                switch try await publisher.publish(batch, patience: Self.patience) {
                case .published(let replayed):
                    if replayed > 0 { StandardError.write("moose: \(replayed) orders of the spool went first\n") }
                case .spooled(let file, let reason):
                    // Those behind keep their place: they are spooled too.
                    let rest = Array(messages[(start + batch.count)...])
                    if !rest.isEmpty { _ = try await publisher.keep(rest) }
                    StandardError.write(
                        "moose: \(reason). \(messages.count - start) orders are safe in \(file). "
                            + "`moose spool flush` sends them, and so does any worker here\n")
                    isSpooled = true
                    return
                }
            }
        }
        await connection.close()
        try result.get()
        return isSpooled
    }
}
