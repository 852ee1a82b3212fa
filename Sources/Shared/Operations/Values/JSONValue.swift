package import FoundationEssentials
internal import WorkOrders

/// Any JSON: what publishers and handlers stored, and what `--json` prints. A field without a value is `null`, never
/// left out, so that scripts find the same keys each time.
package indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package static func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
    package static func id(_ value: UUID?) -> JSONValue { .text(value?.uuidString.lowercased()) }
    package static func count(_ value: Int?) -> JSONValue { value.map { .integer(Int64($0)) } ?? .null }

    /// RFC 3339; the database's infinities are null.
    package static func time(_ value: Date?) -> JSONValue {
        guard let value, value != .distantPast, value != .distantFuture else { return .null }
        return .string(value.rfc3339)
    }

    /// Decimal dollars, such as `"0.0125"`.
    package static func usd(_ microUSD: Int64?) -> JSONValue {
        .text(microUSD.map { MicroUSD(microdollars: $0).description })
    }

    /// Bytes that should be JSON; else their text as one string.
    package static func document(_ bytes: [UInt8]?) -> JSONValue {
        guard let bytes else { return .null }
        // What isn't JSON is shown as it is: people look at it to find out why.
        return (try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)))
            ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    package static func document(_ text: String?) -> JSONValue { document(text.map { Array($0.utf8) }) }

    /// As JSON on one line, its keys sorted.
    package func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension JSONValue: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Decimal.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let items = try? value.decode([JSONValue].self) {
            self = .array(items)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .string(let text): try value.encode(text)
        case .array(let items): try value.encode(items)
        case .object(let fields): try value.encode(fields)
        }
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
