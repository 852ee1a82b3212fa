internal import FoundationEssentials

/// Texts that are almost like a good one, and as long as a limit allows.
struct TextProbes {
    private let sample: [Unicode.Scalar]

    init(of sample: String) { self.sample = Array(sample.unicodeScalars) }

    /// All of ASCII, and beyond it what a careless reader takes for a letter, a digit or one character.
    private static let scalars =
        (0..<128).map { Unicode.Scalar(UInt8($0)) } + ["\u{85}", "é", "ⅰ", "٣", "\u{301}", "\u{2028}", "\u{FEFF}", "🫎"]

    func texts(around lengths: [Decimal]) -> [String] {
        (edited + long(lengths)).map(Self.text)
    }

    /// With one character put in, replaced or taken out, at the ends and within.
    private var edited: [[Unicode.Scalar]] {
        var edited = sample.indices.map { index in Array(sample[..<index] + sample[(index + 1)...]) }
        for place in Set([0, sample.count / 2, sample.count]) {
            let (before, after) = (sample[..<place], sample[place...])
            for scalar in Self.scalars {
                edited.append(before + [scalar] + after)
                edited.append(before + [scalar] + after.dropFirst())
            }
        }
        return edited
    }

    /// As many characters as each length, some less and more: of one byte, of four, and all in one letter.
    private func long(_ lengths: [Decimal]) -> [[Unicode.Scalar]] {
        let first = sample.first ?? "a"
        let counts = (lengths + [2000]).compactMap { Int("\($0)") }.flatMap { Array(max(1, $0 - 1)...($0 + 2)) }
        var long: [[Unicode.Scalar]] = []
        for count in counts {
            for scalar in [first, "0", "🫎", "\u{301}"] {
                long.append([first] + Array(repeating: scalar, count: count - 1))
            }
            long.append(Array(repeating: "9", count: count))
        }
        return long
    }

    private static func text(_ scalars: [Unicode.Scalar]) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }
}
