internal import Logging

/// Passes on what the processes of a parent log.
package enum ProcessLog {
    /// Writes one line of a process to standard error, whole, with the process's number in it.
    ///
    /// - Parameters:
    ///   - format: that of the parent. A line that is no JSON object, such as a crash's, is wrapped where JSON is wanted.
    package static func pass(_ line: String, from process: Int, format: LogFormat) {
        StandardError.write(named(line, process: process, format: format, now: .now))
    }

    static func named(_ line: String, process: Int, format: LogFormat, now: Timestamp) -> String {
        guard case .json = format else { return "\(process)| \(line)\n" }
        if line.hasPrefix("{\"ts\":"), line.hasSuffix("}") {
            return "{\"process\":\(process)," + line.dropFirst() + "\n"
        }
        return LogLine(
            timestamp: now, level: .error, label: "process", message: Redaction.hidingCredentials(in: line), error: nil,
            metadata: ["process": "\(process)"]
        ).json
    }
}
