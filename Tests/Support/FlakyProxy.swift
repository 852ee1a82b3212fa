internal import Glibc
internal import Synchronization

/// A TCP proxy before a server that can cut every connection, and refuse or swallow: a network to break on purpose.
package final class FlakyProxy: Sendable {
    private struct State {
        var pairs: [(client: Int32, server: Int32)] = []
        var isRefusing = false
        var frozen: Set<Int32> = []
        var isClosed = false
    }

    package let port: Int
    private let listener: Int32
    private let target: UInt16
    private let state = Mutex(State())

    package init(target: Int) throws {
        self.target = UInt16(target)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, length)
                unsafe getsockname(listener, pointer, &length)
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        listen(listener, 16)
        Self.thread { self.acceptAll() }
    }

    /// Ends every connection; new ones are welcome, unless `refusing`.
    package func cut(refusing: Bool = false) {
        state.withLock { state in
            state.isRefusing = refusing
            for pair in state.pairs {
                shutdown(pair.client, Int32(SHUT_RDWR))
                shutdown(pair.server, Int32(SHUT_RDWR))
            }
            state.pairs = []
        }
    }

    /// From now on the present connections carry nothing and stay open; new ones work.
    package func freeze() {
        state.withLock { state in
            for pair in state.pairs { state.frozen.formUnion([pair.client, pair.server]) }
        }
    }

    /// Ends everything.
    package func close() {
        state.withLock { $0.isClosed = true }
        cut(refusing: true)
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            let server = connectToTarget()
            let isWelcome = state.withLock { state in
                guard !state.isRefusing, server >= 0 else { return false }
                state.pairs.append((client, server))
                return true
            }
            guard isWelcome else {
                Glibc.close(client)
                if server >= 0 { Glibc.close(server) }
                continue
            }
            let open = Counter(2)
            Self.thread { self.forward(from: client, to: server, open) }
            Self.thread { self.forward(from: server, to: client, open) }
        }
        Glibc.close(listener)
    }

    /// Both directions of one pair; the last to end closes both sockets.
    private final class Counter: Sendable {
        let left: Atomic<Int>
        init(_ count: Int) { left = Atomic(count) }
    }

    private func forward(from source: Int32, to sink: Int32, _ open: Counter) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
        defer { unsafe buffer.deallocate() }
        copying: while true {
            let count = unsafe recv(source, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { break }
            if state.withLock({ $0.frozen.contains(source) }) { continue }
            var sent = 0
            while sent < count {
                let step = unsafe send(sink, buffer.baseAddress?.advanced(by: sent), count - sent, Int32(MSG_NOSIGNAL))
                guard step > 0 else { break copying }
                sent += step
            }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(sink, Int32(SHUT_RDWR))
        if open.left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            state.withLock { state in
                state.pairs.removeAll { pair in pair.client == source || pair.client == sink }
                state.frozen.subtract([source, sink])
            }
            Glibc.close(source)
            Glibc.close(sink)
        }
    }

    private func connectToTarget() -> Int32 {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(port: target)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(server, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if status == 0 { return server }
        Glibc.close(server)
        return -1
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        let box = unsafe Unmanaged.passRetained(Body(body))
        var handle = pthread_t()
        unsafe pthread_create(
            &handle, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, box.toOpaque())
        pthread_detach(handle)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
