internal import FoundationEssentials
internal import Glibc

/// Environment that a parent gives a process of this program through a socket instead of its environment: what stands there can
/// be read by every process of the user until the process has wiped it.
enum Handover {
    /// Set where standard input begins with a handover.
    static let mark = "MOOSE_HANDOVER"
    /// What is no secret, and what the program needs before it reads its input.
    private static let open: Set<String> = [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "LANGUAGE", "TZ", "TERM", "NO_COLOR", "TMPDIR",
        "HOSTNAME", "XDG_STATE_HOME", "MOOSE_CONFIG", "MOOSE_LOG_LEVEL", "MOOSE_DUMPABLE", "MOOSE_SPOOL_FOLDER",
    ]

    /// Splits an environment into what a process may be started with, the mark included, and what it is handed.
    static func split(_ environment: [String: String]) -> (open: [String: String], handed: [UInt8]) {
        var shown: [String: String] = [mark: "1"]
        var handed: [UInt8] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name != mark {
            if open.contains(name) || ["LC_", "LD_", "SWIFT_"].contains(where: name.hasPrefix) {
                shown[name] = value
            } else {
                handed += Array("\(name)=\(value)".utf8) + [0]
            }
        }
        return (shown, Array("\(handed.count)\n".utf8) + handed)
    }

    /// Takes what the parent handed over, if it does. Blocks until it is there; call it while there is one thread.
    static func receive() {
        guard unsafe getenv(mark) != nil else { return }
        unsafe unsetenv(mark)
        var header: [UInt8] = []
        // One at a time: what follows is the parent's next word.
        while let byte = read(1).first, byte != UInt8(ascii: "\n") { header.append(byte) }
        guard let count = Int(String(decoding: header, as: UTF8.self)) else { return }
        for entry in read(count).split(separator: 0) {
            let text = String(decoding: entry, as: UTF8.self)
            guard let equals = text.firstIndex(of: "=") else { continue }
            unsafe setenv(String(text[..<equals]), String(text[text.index(after: equals)...]), 1)
        }
    }

    /// Reads so many bytes, fewer only where the parent is gone: then there is nothing to work for either.
    private static func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = unsafe bytes.withUnsafeMutableBytes { room in
                unsafe Glibc.read(STDIN_FILENO, room.baseAddress?.advanced(by: filled), count - filled)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            filled += got
        }
        return Array(bytes[..<filled])
    }
}
