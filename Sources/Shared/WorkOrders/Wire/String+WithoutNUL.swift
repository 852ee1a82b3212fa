extension String {
    /// The same text with NUL replaced: Postgres keeps no NUL in a text.
    package var withoutNUL: String { utf8.contains(0) ? String(map { $0 == "\0" ? "\u{FFFD}" : $0 }) : self }
}
