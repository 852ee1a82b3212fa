/// The last bytes a program wrote, at most a limit; what came before is forgotten as more arrives.
struct OutputTail {
    private let limit: Int
    private var bytes: [UInt8] = []
    private var hasForgotten = false

    init(limit: Int) { self.limit = max(0, limit) }

    mutating func append(_ chunk: some Collection<UInt8>) {
        bytes.append(contentsOf: chunk.suffix(limit))
        hasForgotten = hasForgotten || chunk.count > limit
        // Trimmed at twice the limit, so that small chunks don't move the whole tail each time.
        if bytes.count > limit * 2 { trim() }
    }

    /// The tail as valid UTF-8 of at most the limit's bytes: broken sequences and NUL, which Postgres refuses in a text,
    /// become U+FFFD. Nil when nothing was written.
    func text() -> String? {
        var tail = self
        tail.trim()
        guard !tail.bytes.isEmpty else { return nil }
        var kept = tail.bytes[...]
        if tail.hasForgotten {
            // The cut may stand inside a character: its rest is no text.
            kept = kept.drop { $0 & 0xC0 == 0x80 }
        }
        let repaired = String(decoding: kept.map { $0 == 0 ? 0xFF : $0 }, as: UTF8.self)
        guard repaired.utf8.count > limit else { return repaired }
        // A repaired byte takes three.
        var bytes = repaired.utf8.suffix(limit)
        bytes = bytes.drop { $0 & 0xC0 == 0x80 }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func trim() {
        guard bytes.count > limit else { return }
        bytes.removeFirst(bytes.count - limit)
        hasForgotten = true
    }
}
