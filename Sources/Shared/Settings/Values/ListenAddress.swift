import Glibc

/// Where a role serves HTTP, as people write it: `127.0.0.1:9100`, `[::1]:9100`, or a port of 127.0.0.1 alone, `9100`.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// Why a text is none: what it should be, to stand behind the name of the setting. Never quotes the text.
    package struct Flaw: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// An IPv4 or IPv6 address, without brackets.
    package let host: String
    /// From 0 to 65535; 0 takes any free one.
    package let port: Int

    /// A port of 127.0.0.1.
    package init(port: Int) {
        host = "127.0.0.1"
        self.port = port
    }

    package init(_ text: String) throws(Flaw) {
        if !text.isEmpty, text.utf8.allSatisfy(Self.isDigit) {
            self.host = "127.0.0.1"
            self.port = try Self.port(text[...])
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw Self.malformed }
        let before = text[..<colon]
        let isBracketed = before.hasPrefix("[") && before.hasSuffix("]")
        let bare = String(isBracketed ? before.dropFirst().dropLast() : before)
        if !isBracketed, Self.isAddress(text, AF_INET6) || Self.isAddress(bare, AF_INET6) {
            throw Flaw(description: "has an IPv6 address without brackets: write it as [::1]:9100")
        }
        guard Self.isAddress(bare, isBracketed ? AF_INET6 : AF_INET) else {
            let isName = !bare.isEmpty && bare.utf8.allSatisfy(Self.isOfNames)
            throw isName
                ? Flaw(description: "names no address: write 127.0.0.1 for localhost, 0.0.0.0 for every address")
                : Self.malformed
        }
        self.host = bare
        self.port = try Self.port(text[text.index(after: colon)...])
    }

    /// As it is written, with the address.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static var malformed: Flaw {
        let forms = "an address and a port, such as 127.0.0.1:9100 or [::1]:9100, or a port of 127.0.0.1 alone"
        return Flaw(description: "should be \(forms), such as 9100")
    }

    private static func port(_ text: Substring) throws(Flaw) -> Int {
        guard text.utf8.allSatisfy(isDigit), let port = UInt16(text) else {
            throw Flaw(description: "has a port that isn't a number from 0 to 65535")
        }
        return Int(port)
    }

    private static func isAddress(_ text: String, _ family: Int32) -> Bool {
        var address = [UInt8](repeating: 0, count: 16)
        let status = unsafe inet_pton(family, text, &address)
        return status == 1
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Whether it may stand in the name of a host, or is the `*` that others take for every address.
    private static func isOfNames(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "-._*".utf8.contains(byte)
    }
}

extension Field {
    /// Where to listen; nil with a mistake noted.
    func listenAddress() -> ListenAddress? {
        guard let text = text(expected: "an address and a port") else { return nil }
        do throws(ListenAddress.Flaw) {
            return try ListenAddress(text)
        } catch {
            fail(error.description)
            return nil
        }
    }
}
