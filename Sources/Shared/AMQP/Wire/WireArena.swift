internal import CRabbitMQ

/// Memory for what one command hands to the library: strings and tables that must stay put until it is encoded.
@safe final class WireArena {
    private let pool: UnsafeMutablePointer<amqp_pool_t>

    init() {
        unsafe pool = .allocate(capacity: 1)
        unsafe init_amqp_pool(pool, 4096)
    }

    deinit {
        unsafe empty_amqp_pool(pool)
        unsafe pool.deallocate()
    }

    /// Invalidates everything handed out before.
    func reset() { unsafe recycle_amqp_pool(pool) }

    func bytes(_ text: String) -> amqp_bytes_t { unsafe bytes(WireText.bytes(text)) }

    func bytes(_ array: [UInt8]) -> amqp_bytes_t {
        unsafe array.withUnsafeBytes { source in unsafe copy(source) }
    }

    /// Arguments of Moose's own making; AMQP can carry them.
    func table(_ table: FieldTable) -> amqp_table_t {
        var result = unsafe amqp_table_t()
        var encoded: [UInt8] = []
        let isWhole = FieldCoding.sized(&encoded) { encoded in
            table.allSatisfy { FieldCoding.append($0.key, $0.value, to: &encoded) }
        }
        var offset = 0
        assert(isWhole)
        _ = unsafe amqp_decode_table(bytes(encoded), pool, &result, &offset)
        return unsafe result
    }

    /// Properties as the library has them, which alone can write under TLS; nil when it can't read them.
    func properties(_ properties: WireProperties) -> UnsafeMutableRawPointer? {
        var decoded: UnsafeMutableRawPointer?
        let status = unsafe amqp_decode_properties(
            UInt16(AMQP_BASIC_CLASS), pool, bytes(properties.bytes), &decoded)
        return unsafe status < 0 ? nil : decoded
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, source.count > 0 else { return unsafe amqp_bytes_t() }
        let target = unsafe allocate(UInt8.self, count: source.count)
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: source.count)
        return unsafe amqp_bytes_t(len: source.count, bytes: target)
    }

    private func allocate<T>(_: T.Type, count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = unsafe amqp_pool_alloc(pool, count * MemoryLayout<T>.stride) else {
            fatalError("out of memory")
        }
        return unsafe memory.bindMemory(to: T.self, capacity: count)
    }
}
