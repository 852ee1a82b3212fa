internal import Glibc

/// What answers at an address where the login failed for no reason that was told: wrong ports are the usual one.
enum PortProbe {
    case amqp, tls, web, other, nothing

    private static let patience = timeval(tv_sec: 1, tv_usec: 0)

    /// Greets in plain AMQP and looks at the first bytes of the answer. Takes a second at most, plus looking up the name.
    static func ask(_ address: BrokerAddress) -> PortProbe {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0, let target = unsafe found else {
            return .nothing
        }
        defer { unsafe freeaddrinfo(target) }
        let descriptor = unsafe socket(
            target.pointee.ai_family, target.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .nothing }
        defer { close(descriptor) }
        var time = patience
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
        guard unsafe connect(descriptor, target.pointee.ai_addr, target.pointee.ai_addrlen) == 0 else {
            return .nothing
        }
        let greeting: [UInt8] = Array("AMQP".utf8) + [0, 0, 9, 1]
        guard unsafe send(descriptor, greeting, greeting.count, Int32(MSG_NOSIGNAL)) == greeting.count else {
            return .nothing
        }
        var answer = [UInt8](repeating: 0, count: 8)
        let count = unsafe recv(descriptor, &answer, answer.count, 0)
        return count > 0 ? reading(answer[..<count]) : .nothing
    }

    /// - Parameter answer: at least one byte.
    static func reading(_ answer: ArraySlice<UInt8>) -> PortProbe {
        // A method frame of channel 0, or the version of AMQP that it wants instead.
        if answer.starts(with: [1, 0, 0]) || answer.starts(with: "AMQP".utf8) { return .amqp }
        // An alert of TLS.
        if answer.starts(with: [0x15, 3]) { return .tls }
        return answer.starts(with: "HTTP".utf8) ? .web : .other
    }

    /// - Parameter usesTLS: what the URL says.
    func failure(at address: BrokerAddress, usesTLS: Bool, otherwise reason: String) -> HostFailure {
        switch self {
        case .tls where !usesTLS:
            HostFailure(
                address, "the port speaks TLS",
                advice: "Start the URL with amqps://, or name the plain port (usually 5672)")
        case .amqp where usesTLS:
            HostFailure(
                address, "the port speaks AMQP without TLS",
                advice: "Name the broker's TLS port (usually 5671), or start the URL with amqp://")
        case .web:
            HostFailure(
                address, "a web server answers there",
                advice: "Name RabbitMQ's port for AMQP (usually 5672); 15672 is its web page")
        case .other: HostFailure(address, "what answers there is no RabbitMQ", advice: "Correct the host or the port")
        case .amqp, .tls, .nothing: HostFailure(address, reason)
        }
    }
}
