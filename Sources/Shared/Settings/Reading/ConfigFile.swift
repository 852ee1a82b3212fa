import FoundationEssentials
import Glibc

/// The configuration file on disk.
enum ConfigFile {
    /// Larger files aren't read: no configuration is, and a mistaken path may lead to anything.
    static let limitBytes = 1_048_576

    /// The file's text. A pipe will do (`--config <(...)`), if it comes to its end soon: a named one that nobody writes
    /// to, or a terminal, would hold the process for ever.
    static func read(_ path: String, patience: Duration = .seconds(10)) throws(SettingsError) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: reason()) }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + patience
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            guard isReadable(descriptor, until: deadline) else {
                let limit = "\(patience.components.seconds) s"
                throw .unreadable(
                    path: path,
                    reason: "it has not come to its end within \(limit): name a file, or a pipe whose writer closes it")
            }
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count == 0 { break }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { throw .unreadable(path: path, reason: reason()) }
            bytes += chunk[..<count]
            if bytes.count > limitBytes { throw .unreadable(path: path, reason: "it is larger than 1 MiB") }
        }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let broken = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        let message = "isn't valid UTF-8: save the file in that encoding"
        throw .invalid([SettingsProblem(source: path, line: broken + 1, column: nil, message: "the line \(message)")])
    }

    /// Whether there is anything at the path.
    static func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    /// The absolute folder of a file.
    static func folder(of path: String) -> String {
        let current = FileManager.default.currentDirectoryPath
        guard let slash = path.lastIndex(of: "/") else { return current }
        return resolve(slash == path.startIndex ? "/" : String(path[..<slash]), in: current)
    }

    /// An absolute path without `.` parts. `..` stays: through a symbolic link only the system can follow it.
    static func resolve(_ path: String, in folder: String) -> String {
        let full = path.hasPrefix("/") ? path : "\(folder)/\(path)"
        return "/" + full.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// Waits until there is something to read, be it the end or an error; false when the deadline has passed. A named
    /// pipe has an end only after somebody has written to it.
    private static func isReadable(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return false }
            let (seconds, attoseconds) = left.components
            // Rounded up: waking a moment early would spin until the deadline.
            let milliseconds = Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&entry, 1, milliseconds)
            if ready > 0 || ready < 0 && errno != EINTR { return true }
        }
    }

    private static func reason() -> String {
        guard let text = unsafe strerror(errno) else { return "error \(errno)" }
        return unsafe String(cString: text)
    }
}
