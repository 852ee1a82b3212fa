/// How urgent an error event is: `critical` wants a person soon, `warning` may wait.
package enum Severity: String, Sendable, Codable, CaseIterable {
    case critical, warning
}
