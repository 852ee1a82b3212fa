internal import CLinux
internal import Glibc

/// A dedicated operating-system thread that owns one C resource (a broker connection, a set of database connections).
///
/// C client libraries block and are not thread-safe, so exactly one thread may touch each, and it must never be one of
/// Swift's cooperative pool. Signals are blocked on it: the process's own handlers decide.
package final class IOThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread that runs `body` once and ends with it.
    ///
    /// - Parameters:
    ///   - name: shown by `ps -L` and debuggers; the kernel keeps the first 15 bytes.
    ///   - stackBytes: for its stack; memory is taken only as it is used. Default the system's, mostly 8 MiB.
    ///   - body: runs on the new thread only. It ends when its owner told it so through a ``Mailbox``.
    /// - Throws: ``IOError/threadNotStarted(errno:)`` when the system has no thread left.
    package init(
        name: String, stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(IOError) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        if let stackBytes { unsafe pthread_attr_setstacksize(&attributes, stackBytes) }
        let status = unsafe pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe start.name.withCString { name in unsafe moose_prepare_thread(name) }
                start.body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            unsafe start.release()
            throw .threadNotStarted(errno: status)
        }
        self.handle = handle
    }

    /// Lets the thread clean up after itself when its body returns. Call it once.
    package func detach() { pthread_detach(handle) }
}

private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        self.body = body
    }
}
