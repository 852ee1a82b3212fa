internal import CRabbitMQ
internal import Glibc

/// Encoded frames on their way to a socket: filled at the end, sent from the front, and moved as rarely as possible.
@safe struct OutputBuffer: ~Copyable {
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var head = 0
    private var tail = 0
    private static let keptCapacity = 1 << 19

    init() {
        capacity = Self.keptCapacity
        unsafe memory = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { unsafe memory.deallocate() }

    /// Bytes not yet sent.
    var count: Int { tail - head }

    /// For ``truncate(to:)``: frames that turn out to be unencodable are taken back.
    var mark: Int { count }
    mutating func truncate(to mark: Int) { tail = head + mark }

    mutating func removeAll() {
        head = 0
        tail = 0
    }

    /// Appends a frame whose payload `fill` writes into at most `room` bytes.
    /// - Parameter fill: returns the bytes it wrote, or a negative number when the payload can't be encoded.
    /// - Returns: false when `fill` failed; nothing was appended then.
    mutating func appendFrame(
        _ type: Int32, channel: UInt16, room: Int, _ fill: (UnsafeMutableRawPointer) -> Int
    ) -> Bool {
        reserve(room + 8)
        let start = unsafe memory + tail
        let length = unsafe fill(start + 7)
        guard length >= 0 else { return false }
        unsafe start.storeBytes(of: UInt8(type), as: UInt8.self)
        unsafe start.storeBytes(of: channel.bigEndian, toByteOffset: 1, as: UInt16.self)
        unsafe start.storeBytes(of: UInt32(length).bigEndian, toByteOffset: 3, as: UInt32.self)
        unsafe start.storeBytes(of: UInt8(AMQP_FRAME_END), toByteOffset: 7 + length, as: UInt8.self)
        tail += length + 8
        return true
    }

    /// Sends what the socket takes now.
    /// - Returns: the errno of a broken socket, or 0; a full socket is not an error.
    mutating func send(to fileDescriptor: Int32) -> Int32 {
        while count > 0 {
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let sent = unsafe Glibc.send(fileDescriptor, memory + head, count, flags)
            if sent >= 0 {
                head += sent
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                return 0
            } else if errno != EINTR {
                return errno
            }
        }
        removeAll()
        if capacity > Self.keptCapacity { replace(capacity: Self.keptCapacity) }
        return 0
    }

    private mutating func reserve(_ more: Int) {
        guard capacity - tail < more else { return }
        replace(capacity: count + more > capacity / 2 ? max(capacity * 2, count + more) : capacity)
    }

    private mutating func replace(capacity wanted: Int) {
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        unsafe fresh.copyMemory(from: memory + head, byteCount: count)
        unsafe memory.deallocate()
        unsafe memory = fresh
        capacity = wanted
        tail = count
        head = 0
    }
}
