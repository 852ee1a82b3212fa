internal import AMQP
internal import FoundationEssentials
internal import Settings
internal import Spool

/// Where this machine keeps messages for one broker. Brokers never share a folder: what was meant for one must not be
/// replayed to another.
enum SpoolPlace {
    /// The spool of the broker in the settings.
    /// - Parameter folder: instead of that of the settings.
    static func spool(_ settings: Settings, folder: String? = nil) throws -> Spool {
        let root =
            folder ?? settings.spool.folder ?? stateFolder(environment: ProcessInfo.processInfo.environment)
        let broker = try AMQPConfiguration(settings)
        return try Spool(folder: "\(absolute(root))/\(name(of: broker))", limit: settings.spool.maxBytes)
    }

    /// Where nothing else is said: what the user's programs keep from one run to the next.
    static func stateFolder(environment: [String: String]) -> String {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return "\(state)/moose/spool" }
        if let home = environment["HOME"], home.hasPrefix("/") { return "\(home)/.local/state/moose/spool" }
        return "/var/tmp/moose-spool"
    }

    /// Different for different brokers, the same for the hosts of one in any order: what has no place in a name is
    /// percent-encoded.
    static func name(of broker: AMQPConfiguration) -> String {
        let hosts = broker.addresses.map { "\(encoded($0.host))_\($0.port)" }.sorted()
        let name = hosts.joined(separator: "+") + "_" + encoded(broker.virtualHost)
        guard name.utf8.count > longestName else { return name }
        let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return name.prefix(longestName - 17) + "_" + String(hash, radix: 16)
    }

    /// File systems end at 255 bytes; the spool's own files need some.
    private static let longestName = 200

    private static func encoded(_ text: String) -> String {
        var name = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if scalar.properties.isASCIIHexDigit || (scalar.isASCII && scalar.properties.isAlphabetic)
                || scalar == "." || scalar == "-"
            {
                name.unicodeScalars.append(scalar)
            } else {
                name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return name
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
    }
}
