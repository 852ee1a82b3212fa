internal import Glibc

/// Asks a server whether it takes clients, by the first bytes of its own protocol.
struct Probe: Sendable {
    let port: Int
    /// What a client says first.
    let hello: [UInt8]
    /// The first byte of a server that is ready for it.
    let answer: UInt8

    /// AMQP 0-9-1: the broker opens its listener last, and answers the header with a method frame (type 1).
    static func broker(port: Int) -> Probe {
        Probe(port: port, hello: Array("AMQP".utf8) + [0, 0, 9, 1], answer: 1)
    }

    /// PostgreSQL: while it recovers it answers a startup message with an error; ready, it asks for the password ('R').
    static func database(port: Int) -> Probe {
        let parameters = Array("user\0moose\0database\0postgres\0\0".utf8)
        let length = UInt32(8 + parameters.count)
        let protocolVersion: [UInt8] = [0, 3, 0, 0]
        let hello = unsafe withUnsafeBytes(of: length.bigEndian) { bytes in unsafe Array(bytes) }
        return Probe(port: port, hello: hello + protocolVersion + parameters, answer: UInt8(ascii: "R"))
    }

    /// Never blocks a thread: a server that doesn't answer within the patience is not ready.
    func succeeds(patience: Duration = .seconds(1)) async throws -> Bool {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard begin(descriptor) else { return false }
        let deadline = ContinuousClock.now + patience
        var isGreeted = false
        while ContinuousClock.now < deadline {
            if !isGreeted {
                let sent = unsafe send(descriptor, hello, hello.count, Int32(MSG_NOSIGNAL))
                // Still connecting counts as waiting; refused counts as no.
                if sent < 0, errno != EAGAIN, errno != ENOTCONN { return false }
                isGreeted = sent == hello.count
            } else {
                // All of it: closing with bytes unread would reset the connection, which servers log.
                var bytes = [UInt8](repeating: 0, count: 2_048)
                let received = unsafe recv(descriptor, &bytes, bytes.count, 0)
                if received > 0 { return bytes[0] == answer }
                if received == 0 || errno != EAGAIN { return false }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private func begin(_ descriptor: Int32) -> Bool {
        var address = sockaddr_in.loopback(port: port)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return status == 0 || errno == EINPROGRESS
    }
}
