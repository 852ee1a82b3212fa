/// The path of a route, such as `/api/scaling/{lane}`: each part stands for itself, or in braces for any one part.
struct RoutePattern: Sendable, CustomStringConvertible {
    private enum Part: Sendable {
        case literal([UInt8])
        case parameter(String)

        var literal: [UInt8]? { if case .literal(let bytes) = self { bytes } else { nil } }
    }

    let description: String
    private let parts: [Part]

    init(_ text: String) {
        precondition(text.hasPrefix("/"), "the path of a route begins with a slash: \(text)")
        description = text
        parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("{") && part.hasSuffix("}")
                ? .parameter(String(part.dropFirst().dropLast())) : .literal(Array(part.utf8))
        }
    }

    /// The parts of a path as it was sent, without its query; nil where it is none.
    static func parts(of path: String) -> [ArraySlice<UInt8>]? {
        let parts = Array(path.utf8).prefix { $0 != UInt8(ascii: "?") }
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0].isEmpty else { return nil }
        return Array(parts.dropFirst())
    }

    /// What stands in the place of each parameter, percent-decoded; nil where the path is another one.
    ///
    /// A parameter is never empty, and always valid UTF-8.
    func parameters(in path: [ArraySlice<UInt8>]) -> [String: String]? {
        guard path.count == parts.count else { return nil }
        var parameters: [String: String] = [:]
        for (part, given) in zip(parts, path) {
            switch part {
            case .literal(let wanted):
                guard given.elementsEqual(wanted) else { return nil }
            case .parameter(let name):
                guard !given.isEmpty, let value = Self.decoded(given) else { return nil }
                parameters[name] = value
            }
        }
        return parameters
    }

    /// Whether both are patterns of the very same paths.
    func isSame(as other: RoutePattern) -> Bool { parts.map(\.literal) == other.parts.map(\.literal) }

    /// Whether it says more of a path that both fit, seen from the left.
    func isMoreExact(than other: RoutePattern) -> Bool { vagueness.lexicographicallyPrecedes(other.vagueness) }

    private var vagueness: [Int] { parts.map { $0.literal == nil ? 1 : 0 } }

    private static func decoded(_ part: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        Character(Unicode.Scalar(digit)).hexDigitValue.map { UInt8($0) }
    }
}
