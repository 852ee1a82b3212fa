internal import CZlib

/// Decompresses what HTTP calls `gzip` and `deflate`, with zlib: gzip of any number of members, zlib's own frame, and
/// none at all, as many servers send what they call `deflate`.
///
/// It ends where the output grows beyond a limit, so a bomb costs no more than that.
enum Inflate {
    enum Failure: Error {
        /// Not what it should be, cut off, or with something behind it.
        case malformed
        case tooLarge
    }

    /// As zlib wants them: the largest window, and its own frame or gzip's, whichever it is; or no frame.
    private static let framed: Int32 = 15 + 32
    private static let raw: Int32 = -15

    /// - Parameters:
    ///   - limit: of the output's bytes.
    ///   - mayBeRaw: also takes DEFLATE without a frame.
    static func decompress(_ bytes: [UInt8], limit: Int, mayBeRaw: Bool) throws(Failure) -> [UInt8] {
        do throws(Failure) {
            return try decompress(bytes, windowBits: framed, limit: limit)
        } catch {
            guard mayBeRaw, error == .malformed else { throw error }
            return try decompress(bytes, windowBits: raw, limit: limit)
        }
    }

    private static func decompress(_ bytes: [UInt8], windowBits: Int32, limit: Int) throws(Failure) -> [UInt8] {
        var stream = unsafe z_stream()
        guard unsafe moose_inflate_init(&stream, windowBits) == Z_OK else { throw .malformed }
        defer { unsafe inflateEnd(&stream) }
        let hasMembers = windowBits == framed && bytes.starts(with: [0x1F, 0x8B])
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let isWhole = unsafe bytes.withUnsafeBufferPointer { input in
            unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            unsafe stream.avail_in = UInt32(clamping: input.count)
            while output.count <= limit {
                let status = unsafe buffer.withUnsafeMutableBufferPointer { room in
                    unsafe stream.next_out = room.baseAddress
                    unsafe stream.avail_out = UInt32(room.count)
                    return unsafe inflate(&stream, Z_NO_FLUSH)
                }
                output += buffer[..<(buffer.count - Int(unsafe stream.avail_out))]
                switch status {
                case Z_OK: continue
                case Z_STREAM_END where unsafe stream.avail_in == 0: return true
                case Z_STREAM_END where hasMembers: unsafe inflateReset(&stream)
                // What is behind the end, what is broken, and what is cut off (Z_BUF_ERROR).
                default: return false
                }
            }
            return false
        }
        guard output.count <= limit else { throw .tooLarge }
        guard isWhole else { throw .malformed }
        return output
    }
}
