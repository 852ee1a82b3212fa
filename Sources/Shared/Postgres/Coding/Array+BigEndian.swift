extension [UInt8] {
    /// Appends an integer in network byte order.
    mutating func append<Number: FixedWidthInteger & BitwiseCopyable>(bigEndian number: Number) {
        unsafe Swift.withUnsafeBytes(of: number.bigEndian) { bytes in unsafe append(contentsOf: bytes) }
    }

    /// Replaces the bytes at `offset` by an integer in network byte order: a length that is known only afterwards.
    mutating func overwrite<Number: FixedWidthInteger & BitwiseCopyable>(bigEndian number: Number, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count)
        unsafe withUnsafeMutableBytes { bytes in
            unsafe bytes.storeBytes(of: number.bigEndian, toByteOffset: offset, as: Number.self)
        }
    }
}
