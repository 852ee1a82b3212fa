package import FoundationEssentials

/// Any JSON, for documents and messages of unknown shape. Numbers are exact, so that a limit and its neighbour differ.
package enum JSONValue: Sendable, Hashable, Decodable {
    case null
    case bool(Bool)
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let flag = try? value.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? value.decode(Decimal.self) {
            self = .number(number)
        } else if let elements = try? value.decode([JSONValue].self) {
            self = .array(elements)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    /// Reads JSON text.
    package init(_ text: String) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }

    /// The member of an object; null for a missing one and for anything but an object.
    package subscript(_ name: String) -> JSONValue { object[name] ?? .null }

    /// The members; none for anything but an object.
    package var object: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
    /// The elements; none for anything but an array.
    package var array: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var number: Decimal? { if case .number(let number) = self { number } else { nil } }

    /// As JSON text.
    package var text: String {
        switch self {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[\(elements.map(\.text).joined(separator: ","))]"
        case .object(let members): Self.object(members.mapValues(\.text))
        }
    }

    /// An object of members that are JSON text already, so that a number keeps the way it is written.
    package static func object(_ members: [String: String]) -> String {
        "{\(members.map { "\(quoted($0)):\($1)" }.joined(separator: ","))}"
    }

    /// A text as JSON writes it.
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let code = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
