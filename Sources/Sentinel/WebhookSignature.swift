internal import Crypto
internal import FoundationEssentials

/// The signature GitHub puts on a webhook: HMAC-SHA-256 over the body as it was sent.
///
/// Source: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
package enum WebhookSignature {
    /// Whether `header`, the value of `X-Hub-Signature-256`, was made with this secret. Takes the same time whatever
    /// differs.
    package static func isValid(_ header: String?, body: [UInt8], secret: String) -> Bool {
        guard let header, header.hasPrefix("sha256="), let code = bytes(hex: header.utf8.dropFirst(7)) else {
            return false
        }
        return HMAC<SHA256>.isValidAuthenticationCode(
            code, authenticating: body, using: SymmetricKey(data: Array(secret.utf8)))
    }

    /// Whether it could be one at all: `sha256=` and 64 hex digits.
    package static func isWellFormed(_ header: String?) -> Bool {
        guard let header, header.hasPrefix("sha256=") else { return false }
        return bytes(hex: header.utf8.dropFirst(7)) != nil
    }

    /// What to send with `body`: `sha256=` and 64 hex digits.
    package static func of(_ body: [UInt8], secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(secret.utf8)))
        let digits = Array("0123456789abcdef".utf8)
        let hex = code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "sha256=" + String(decoding: hex, as: UTF8.self)
    }

    /// Nil unless these are exactly 64 hex digits.
    private static func bytes(hex: Substring.UTF8View) -> [UInt8]? {
        guard hex.count == 64 else { return nil }
        let values = hex.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map(UInt8.init) }
        guard values.count == 64 else { return nil }
        return stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
