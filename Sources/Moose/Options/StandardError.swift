internal import Glibc

/// Where messages to people go, so that a pipe carries the answer alone.
enum StandardError {
    /// Writes the text as it is.
    static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
            }
            if written < 0, errno == EINTR { continue }
            // Nobody reads: there is no better place to say so.
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}
