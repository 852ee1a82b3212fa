/// How much harm a wrong result could do, as the publisher judges it.
package enum RiskLevel: String, Sendable, Codable, CaseIterable {
    case low, medium, high, critical
}
