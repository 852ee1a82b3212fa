internal import CRabbitMQ

extension Array where Element == UInt8 {
    init(_ bytes: amqp_bytes_t) {
        self = unsafe Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

extension String {
    /// Bytes that are not UTF-8 become replacement characters: a strange header must not stop a consumer.
    init(_ bytes: amqp_bytes_t) {
        self = unsafe String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension FieldValue {
    init(_ field: amqp_field_value_t) {
        let value = unsafe field.value
        switch UInt32(unsafe field.kind) {
        case AMQP_FIELD_KIND_BOOLEAN.rawValue: self = unsafe .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_I8.rawValue: self = unsafe .int64(Int64(value.i8))
        case AMQP_FIELD_KIND_U8.rawValue: self = unsafe .int64(Int64(value.u8))
        case AMQP_FIELD_KIND_I16.rawValue: self = unsafe .int64(Int64(value.i16))
        case AMQP_FIELD_KIND_U16.rawValue: self = unsafe .int64(Int64(value.u16))
        case AMQP_FIELD_KIND_I32.rawValue: self = unsafe .int64(Int64(value.i32))
        case AMQP_FIELD_KIND_U32.rawValue: self = unsafe .int64(Int64(value.u32))
        case AMQP_FIELD_KIND_I64.rawValue: self = unsafe .int64(value.i64)
        case AMQP_FIELD_KIND_U64.rawValue: self = unsafe .int64(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_F32.rawValue: self = unsafe .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64.rawValue: self = unsafe .double(value.f64)
        case AMQP_FIELD_KIND_UTF8.rawValue: self = unsafe .string(String(value.bytes))
        case AMQP_FIELD_KIND_BYTES.rawValue: self = unsafe .bytes(Array(value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP.rawValue: self = unsafe .timestamp(value.u64)
        case AMQP_FIELD_KIND_TABLE.rawValue: self = unsafe .table(FieldTable(value.table))
        case AMQP_FIELD_KIND_ARRAY.rawValue:
            let entries = unsafe UnsafeBufferPointer(start: value.array.entries, count: Int(value.array.num_entries))
            self = unsafe .array(entries.map { unsafe FieldValue($0) })
        default: self = .void
        }
    }
}

extension FieldTable {
    init(_ table: amqp_table_t) {
        self.init()
        for index in 0..<Int(unsafe table.num_entries) {
            let entry = unsafe table.entries[index]
            unsafe self[String(entry.key)] = unsafe FieldValue(entry.value)
        }
    }
}

extension MessageProperties {
    init(_ basic: amqp_basic_properties_t) {
        let flags = unsafe basic._flags
        func text(_ flag: Int32, _ bytes: amqp_bytes_t) -> String? {
            unsafe flags & UInt32(bitPattern: flag) == 0 ? nil : String(bytes)
        }
        unsafe self.init(
            messageID: text(AMQP_BASIC_MESSAGE_ID_FLAG, basic.message_id),
            contentType: text(AMQP_BASIC_CONTENT_TYPE_FLAG, basic.content_type),
            type: text(AMQP_BASIC_TYPE_FLAG, basic.type),
            appID: text(AMQP_BASIC_APP_ID_FLAG, basic.app_id),
            correlationID: text(AMQP_BASIC_CORRELATION_ID_FLAG, basic.correlation_id),
            replyTo: text(AMQP_BASIC_REPLY_TO_FLAG, basic.reply_to),
            timestamp: flags & UInt32(AMQP_BASIC_TIMESTAMP_FLAG) == 0 ? nil : basic.timestamp,
            // Without the property a message is transient.
            deliveryMode: flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && basic.delivery_mode == 2
                ? .persistent : .transient,
            headers: flags & UInt32(AMQP_BASIC_HEADERS_FLAG) == 0 ? [:] : FieldTable(basic.headers))
        contentEncoding = unsafe text(AMQP_BASIC_CONTENT_ENCODING_FLAG, basic.content_encoding)
        expiration = unsafe text(AMQP_BASIC_EXPIRATION_FLAG, basic.expiration)
        priority = unsafe flags & UInt32(AMQP_BASIC_PRIORITY_FLAG) == 0 ? nil : basic.priority
    }
}
