internal import Glibc

/// A file without a name: a program's input or output that can't fill a pipe and leaves nothing behind.
final class ScratchFile: Sendable {
    let descriptor: Int32

    init() throws {
        let path = "/tmp/moose-\(UInt64.random(in: .min ... .max))"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StackError.folderUnusable(path: "/tmp", reason: "No file could be made there (errno \(errno))")
        }
        unsafe unlink(path)
    }

    deinit { close(descriptor) }

    /// Writes the text and rewinds. A program that opens /dev/fd/0 anew may do so only as the owner.
    func fill(with text: String, owner: ServerAccount?) {
        if let owner { fchown(descriptor, owner.user, owner.group) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { bytes in
                unsafe write(descriptor, bytes.baseAddress, bytes.count)
            }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    /// All that was written, from the beginning.
    func text() -> String {
        lseek(descriptor, 0, SEEK_SET)
        return String(decoding: Self.readAll(descriptor), as: UTF8.self)
    }

    /// Reads to the end, also from files of /proc, whose size is said to be 0.
    static func readAll(_ descriptor: Int32) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8_192)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return content }
            content += chunk.prefix(count)
        }
    }
}
