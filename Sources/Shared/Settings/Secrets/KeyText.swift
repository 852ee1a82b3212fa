/// Keys and names of the file as messages may quote them: in the place of one may stand a secret that slipped there.
enum KeyText {
    /// What stands for a text that isn't shown.
    static let hidden = "\"…\""

    /// The key in quotes where it looks like one of Moose's, else ``hidden``.
    static func quoted(key: String) -> String {
        let isWord =
            key.utf8.count <= 41 && key.utf8.first.map(isLetter) == true
            && key.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
        return isWord ? key.debugDescription : hidden
    }

    /// A name that the user chose, in quotes where it is short and holds nothing that URLs, headers and tokens are put
    /// together with, else ``hidden``.
    static func quoted(name: String) -> String {
        let isPlain =
            name.count <= 60
            && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == " " || $0 == "." || $0 == "_" || $0 == "-" }
        return isPlain ? name.debugDescription : hidden
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
