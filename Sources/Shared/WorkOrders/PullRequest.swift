/// The pull request an attempt made: its order is done when CI says so.
package struct PullRequest: Sendable, Equatable {
    /// From 1.
    package let number: Int
    /// `owner/name` in lower case, as GitHub tells none apart by case; nil: any repository that Sentinel hears of.
    package let repository: String?
    /// The commit that was pushed, in lower-case hex; nil: the newest one that CI ran for.
    package let headSHA: String?

    /// - Returns: nil when a part can't be what GitHub uses: a number outside 1 to 2,147,483,647, a name that is not
    ///   `owner/name`, or a commit that is not 40 or 64 hex digits.
    package init?(number: Int, repository: String? = nil, headSHA: String? = nil) {
        guard (1...Int(Int32.max)).contains(number), repository.map(Self.isRepository) ?? true,
            headSHA.map(Self.isCommit) ?? true
        else { return nil }
        self.number = number
        self.repository = repository?.lowercased()
        self.headSHA = headSHA?.lowercased()
    }

    /// Whether this names a repository: two parts of letters, digits, `-`, `_` and `.`, together up to 140 characters.
    package static func isRepository(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return name.utf8.count <= 140 && parts.count == 2
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isNameByte) }
    }

    /// Whether this is the full hash of a commit.
    package static func isCommit(_ hash: String) -> Bool {
        [40, 64].contains(hash.utf8.count) && hash.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
