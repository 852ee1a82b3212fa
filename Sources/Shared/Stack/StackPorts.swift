internal import Glibc

/// The loopback ports of one private stack. Chosen once and kept, so that URLs stay valid over restarts.
struct StackPorts: Codable, Equatable, Sendable {
    var amqp: Int
    /// Erlang's distribution and name service, both private to this broker.
    var distribution: Int
    var epmd: Int
    var database: Int

    /// Below Linux's range for outgoing connections (from 32768), which would take a port while its server is down.
    private static let range = 20_000..<32_000

    static func choose() throws -> StackPorts {
        var taken: Set<Int> = []
        func next() throws -> Int {
            for _ in 0..<1_000 {
                let port = Int.random(in: range)
                guard !taken.contains(port), isFree(port) else { continue }
                taken.insert(port)
                return port
            }
            throw StackError.noFreePort
        }
        return try StackPorts(amqp: next(), distribution: next(), epmd: next(), database: next())
    }

    func ports(of server: StackServer) -> [Int] {
        switch server {
        case .broker: [amqp, distribution, epmd]
        case .database: [database]
        }
    }

    /// Whether a server could listen on all ports it was given.
    func areFree(for server: StackServer) -> Bool { ports(of: server).allSatisfy(Self.isFree) }

    /// Takes over the other's ports for one server.
    mutating func replace(for server: StackServer, from other: StackPorts) {
        switch server {
        case .broker:
            amqp = other.amqp
            distribution = other.distribution
            epmd = other.epmd
        case .database:
            database = other.database
        }
    }

    /// Binds like the servers do: with SO_REUSEADDR, so that closed connections of a former run don't count.
    static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var on: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in.loopback(port: port)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        return isBound && listen(descriptor, 1) == 0
    }
}

extension sockaddr_in {
    /// The IPv4 loopback address with this port.
    static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }
}
