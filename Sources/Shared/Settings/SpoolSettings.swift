/// Where messages wait on this machine while their servers are away.
package struct SpoolSettings: Sendable, Equatable {
    /// The folder; nil takes the user's state folder (`$XDG_STATE_HOME/moose/spool`, else `~/.local/state/moose/spool`).
    /// Each broker has a folder of its own in it. Key `folder`, overridden by `MOOSE_SPOOL_FOLDER`.
    package var folder: String?
    /// How much it may hold for one broker. Default 256 MiB. Key `max_bytes`.
    package var maxBytes = 268_435_456

    /// The defaults.
    package init() {}
}
