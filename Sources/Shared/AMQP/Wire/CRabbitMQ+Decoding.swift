internal import CRabbitMQ

extension Array where Element == UInt8 {
    init(_ bytes: amqp_bytes_t) {
        self = unsafe Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

extension String {
    /// As ``WireText`` has it: a strange text must not stop a consumer, nor be another than it was.
    init(_ bytes: amqp_bytes_t) {
        self = unsafe WireText.text(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}
