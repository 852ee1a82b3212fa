internal import SystemPackage

/// What comes through a pipe.
enum StandardInput {
    /// All of it, until the other side closes it; waits where nothing has come yet.
    static func readAll(from input: FileDescriptor = .standardInput) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try unsafe buffer.withUnsafeMutableBytes { space in unsafe try input.read(into: space) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}
