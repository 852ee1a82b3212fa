/// The last bytes a program wrote, at most a limit; what came before is forgotten as more arrives.
struct OutputTail {
    private let limit: Int
    /// What is held in memory: never more than the limit.
    private(set) var bytes: [UInt8] = []
    private var hasForgotten = false

    init(limit: Int) { self.limit = max(0, limit) }

    mutating func append(_ chunk: some Collection<UInt8>) {
        let kept = chunk.suffix(limit)
        let overflow = bytes.count + kept.count - limit
        if overflow > 0 { bytes.removeFirst(overflow) }
        hasForgotten = hasForgotten || overflow > 0 || chunk.count > limit
        bytes.append(contentsOf: kept)
    }

    /// The tail as valid UTF-8 of at most the limit's bytes: broken sequences and NUL, which Postgres refuses in a text,
    /// become U+FFFD. Nil when nothing was written.
    func text() -> String? {
        guard !bytes.isEmpty else { return nil }
        var kept = bytes[...]
        if hasForgotten {
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
}
