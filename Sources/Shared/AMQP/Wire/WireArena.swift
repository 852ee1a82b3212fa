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

    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { source in unsafe copy(UnsafeRawBufferPointer(source)) }
    }

    func bytes(_ array: [UInt8]) -> amqp_bytes_t {
        unsafe array.withUnsafeBytes { source in unsafe copy(source) }
    }

    func table(_ table: FieldTable) -> amqp_table_t {
        var result = unsafe amqp_table_t()
        guard !table.isEmpty else { return unsafe result }
        let entries = unsafe allocate(amqp_table_entry_t.self, count: table.count)
        for (index, (key, value)) in table.enumerated() {
            unsafe entries[index] = unsafe amqp_table_entry_t(key: bytes(key), value: field(value))
        }
        unsafe result.num_entries = Int32(table.count)
        unsafe result.entries = entries
        return unsafe result
    }

    func properties(_ properties: MessageProperties) -> amqp_basic_properties_t {
        var basic = unsafe amqp_basic_properties_t()
        var flags = AMQP_BASIC_DELIVERY_MODE_FLAG
        unsafe basic.delivery_mode = properties.deliveryMode.rawValue
        func text(_ value: String?, _ flag: Int32) -> amqp_bytes_t {
            guard let value else { return unsafe amqp_bytes_t() }
            flags |= flag
            return unsafe bytes(value)
        }
        unsafe basic.message_id = text(properties.messageID, AMQP_BASIC_MESSAGE_ID_FLAG)
        unsafe basic.content_type = text(properties.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG)
        unsafe basic.content_encoding = text(properties.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        unsafe basic.expiration = text(properties.expiration, AMQP_BASIC_EXPIRATION_FLAG)
        unsafe basic.type = text(properties.type, AMQP_BASIC_TYPE_FLAG)
        unsafe basic.app_id = text(properties.appID, AMQP_BASIC_APP_ID_FLAG)
        unsafe basic.correlation_id = text(properties.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG)
        unsafe basic.reply_to = text(properties.replyTo, AMQP_BASIC_REPLY_TO_FLAG)
        if let timestamp = properties.timestamp {
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
            unsafe basic.timestamp = timestamp
        }
        if let priority = properties.priority {
            flags |= AMQP_BASIC_PRIORITY_FLAG
            unsafe basic.priority = priority
        }
        if !properties.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            unsafe basic.headers = table(properties.headers)
        }
        unsafe basic._flags = UInt32(flags)
        return unsafe basic
    }

    private func field(_ value: FieldValue) -> amqp_field_value_t {
        var field = unsafe amqp_field_value_t()
        let kind: amqp_field_value_kind_t
        switch value {
        case .string(let text): (kind, unsafe field.value.bytes) = unsafe (AMQP_FIELD_KIND_UTF8, bytes(text))
        case .int64(let number): (kind, unsafe field.value.i64) = (AMQP_FIELD_KIND_I64, number)
        case .bool(let flag): (kind, unsafe field.value.boolean) = (AMQP_FIELD_KIND_BOOLEAN, flag ? 1 : 0)
        case .double(let number): (kind, unsafe field.value.f64) = (AMQP_FIELD_KIND_F64, number)
        case .bytes(let array): (kind, unsafe field.value.bytes) = unsafe (AMQP_FIELD_KIND_BYTES, bytes(array))
        case .timestamp(let seconds): (kind, unsafe field.value.u64) = (AMQP_FIELD_KIND_TIMESTAMP, seconds)
        case .table(let inner): (kind, unsafe field.value.table) = unsafe (AMQP_FIELD_KIND_TABLE, table(inner))
        case .array(let values):
            kind = AMQP_FIELD_KIND_ARRAY
            let entries = unsafe allocate(amqp_field_value_t.self, count: max(1, values.count))
            for (index, value) in values.enumerated() { unsafe entries[index] = unsafe self.field(value) }
            unsafe field.value.array = unsafe amqp_array_t(num_entries: Int32(values.count), entries: entries)
        case .void: kind = AMQP_FIELD_KIND_VOID
        }
        unsafe field.kind = UInt8(kind.rawValue)
        return unsafe field
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
