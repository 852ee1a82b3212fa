import Glibc
import Testing

/// A plain connection to a server of this machine, for what no decent client does.
final class Wire {
    private let descriptor: Int32

    /// - Parameter isIPv6: to ::1 instead of 127.0.0.1. Default false.
    init(port: Int, isIPv6: Bool = false) throws {
        descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        let address = Self.loopback(port: port, isIPv6: isIPv6)
        let connected = unsafe address.withUnsafeBytes { bytes in
            unsafe connect(descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        try #require(connected == 0)
    }

    deinit { close(descriptor) }

    /// Whether this machine has ::1, which not every one has.
    static var hasIPv6: Bool {
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let bound = unsafe loopback(port: 0, isIPv6: true).withUnsafeBytes { bytes in
            unsafe bind(descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
        }
        return bound == 0
    }

    /// A `sockaddr_in` or `sockaddr_in6`, as Linux lays them out.
    private static func loopback(port: Int, isIPv6: Bool) -> [UInt8] {
        func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
        let family = UInt8(isIPv6 ? AF_INET6 : AF_INET)
        let address: [UInt8] = isIPv6 ? zeros(19) + [1] + zeros(4) : [127, 0, 0, 1] + zeros(8)
        return [family, 0, UInt8(port >> 8), UInt8(port & 0xFF)] + address
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        let sent = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        try #require(sent == bytes.count)
    }

    /// What comes until the text holds this; with nil all that comes until the other side closes.
    ///
    /// While nothing has come it gives its thread away, which the server may be waiting for.
    func read(until wanted: String?) async throws -> String {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: answer, as: UTF8.self)
            if let wanted, text.contains(wanted) { return text }
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EAGAIN {
                try Task.checkCancellation()
                await Task.yield()
                continue
            }
            guard count > 0 else { return text }
            answer += chunk[..<count]
        }
    }
}
