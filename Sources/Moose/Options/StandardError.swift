internal import Telemetry

/// Where messages to people go, so that a pipe carries the answer alone.
enum StandardError {
    /// Writes the text as it is: in a role by way of the log, so that it neither waits for a reader nor overtakes a line.
    static func write(_ text: String) { Telemetry.StandardError.write(text) }
}
