internal import FoundationEssentials

/// What a private stack must remember between processes: `stack.json`, readable by its owner only.
struct StackRecord: Codable, Equatable, Sendable {
    var ports: StackPorts
    let brokerPassword: String
    let databasePassword: String

    /// One name for the user, the virtual host and the database.
    static let name = "moose"
    static let host = "127.0.0.1"

    /// A fresh record: free ports, random passwords.
    static func make() throws -> StackRecord {
        try StackRecord(ports: .choose(), brokerPassword: randomPassword(), databasePassword: randomPassword())
    }

    /// 128 bits in digits that need no escaping in a URL, a shell or a configuration file.
    private static func randomPassword() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
    }

    /// nil when there is none, or when a crash or an older version left one that can't be read.
    static func load(from path: String) throws -> StackRecord? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw StackError.folderUnusable(path: path, reason: "It belongs to another user")
        }
        do {
            return try JSONDecoder().decode(StackRecord.self, from: bytes)
        } catch {
            // Without its passwords the old servers are of no use: the caller starts anew.
            return nil
        }
    }

    func save(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try StackLayout.write(Array(encoder.encode(self)), to: path, mode: 0o600, group: nil)
    }

    var amqpURL: String { amqpURL(virtualHost: Self.name) }

    var databaseURL: String { databaseURL(database: Self.name) }

    func amqpURL(virtualHost: String) -> String {
        "amqp://\(Self.name):\(brokerPassword)@\(Self.host):\(ports.amqp)/\(virtualHost)"
    }

    func databaseURL(database: String) -> String {
        "postgresql://\(Self.name):\(databasePassword)@\(Self.host):\(ports.database)/\(database)"
    }
}
