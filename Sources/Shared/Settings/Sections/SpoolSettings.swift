/// Where messages wait on this machine while their servers are away.
package struct SpoolSettings: Sendable, Equatable {
    /// The folder; nil takes the user's state folder (`$XDG_STATE_HOME/moose/spool`, else
    /// `~/.local/state/moose/spool`).
    /// Each broker has a folder of its own in it. Key `folder`, overridden by `MOOSE_SPOOL_FOLDER`.
    package var folder: String?
    /// How much it may hold for one broker. Default 256 MiB. Key `max_bytes`.
    package var maxBytes = 268_435_456

    /// The defaults.
    package init() {}
}

extension SpoolSettings: SettingsSection {
    static let key = "spool"

    mutating func read(_ section: Section) {
        let section = section.knowing(["folder", "max_bytes"])
        folder = section["folder"]?.text(expected: "a folder") ?? folder
        maxBytes = section["max_bytes"]?.integer(in: 1_048_576...1_099_511_627_776, unit: "bytes") ?? maxBytes
    }

    mutating func read(_ variables: Variables) {
        folder = variables["MOOSE_SPOOL_FOLDER"] ?? folder
    }

    var shown: ShownValue {
        var entries: [(key: String, value: ShownValue)] = []
        if let folder { entries.append(("folder", .text(folder))) }
        entries.append(("max_bytes", .integer(maxBytes)))
        return .block(entries)
    }
}
