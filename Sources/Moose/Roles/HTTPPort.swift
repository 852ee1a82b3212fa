internal import ArgumentParser

/// The value of `--http-port`.
enum HTTPPort {
    /// More than 16 bits would be cut down to another port without a word.
    static func check(_ port: Int) throws(ValidationError) {
        guard (0...65_535).contains(port) else { throw ValidationError("--http-port goes from 0 to 65535.") }
    }
}
