internal import FoundationEssentials

extension JSONSchema {
    /// Whether a value keeps one keyword of a schema.
    func holds(
        _ keyword: Keyword, _ argument: JSONValue, for value: JSONValue, of schema: JSONValue
    ) throws -> Bool {
        switch (keyword, argument, value) {
        case (.schema, _, _), (.id, _, _), (.definitions, _, _), (.title, _, _), (.description, _, _),
            (.examples, _, _):
            true
        case (.reference, .string(let reference), _): try accepts(value, resolve(reference))
        case (.oneOf, .array(let parts), _): try parts.count { try accepts(value, $0) } == 1
        case (.anyOf, .array(let parts), _): try parts.contains { try accepts(value, $0) }
        case (.type, .string(let name), _): try isOf(name, value)
        case (.type, .array(let names), _): try names.contains { try isOf($0.string ?? "", value) }
        case (.choice, .array(let choices), _): choices.contains(value)
        // The others speak of one type each, and say nothing about values of another.
        case (.required, .array(let names), .object(let fields)):
            names.allSatisfy { name in fields.keys.contains { .string($0) == name } }
        case (.properties, .object(let parts), .object(let fields)):
            try fields.allSatisfy { name, field in try parts[name].map { try accepts(field, $0) } ?? true }
        case (.additionalProperties, _, .object(let fields)):
            try fields.allSatisfy { name, field in
                try schema["properties"].object[name] != nil || accepts(field, argument)
            }
        case (.items, .object, .array(let elements)): try elements.allSatisfy { try accepts($0, argument) }
        case (.maxItems, .number(let limit), .array(let elements)): Decimal(elements.count) <= limit
        case (.minLength, .number(let limit), .string(let text)): Decimal(text.unicodeScalars.count) >= limit
        case (.maxLength, .number(let limit), .string(let text)): Decimal(text.unicodeScalars.count) <= limit
        case (.pattern, .string(let pattern), .string(let text)):
            try patterns[pattern].map { try $0.firstMatch(in: text) != nil } ?? false
        case (.format, .string("uuid"), .string(let text)): SchemaFormat.isUUID(text)
        case (.format, .string("date-time"), .string(let text)): SchemaFormat.isDateTime(text)
        case (.minimum, .number(let limit), .number(let number)): number >= limit
        case (.maximum, .number(let limit), .number(let number)): number <= limit
        case (.required, .array, _), (.properties, .object, _), (.additionalProperties, _, _), (.items, .object, _),
            (.maxItems, .number, _), (.minLength, .number, _), (.maxLength, .number, _), (.pattern, .string, _),
            (.format, .string("uuid"), _), (.format, .string("date-time"), _), (.minimum, .number, _),
            (.maximum, .number, _):
            true
        default: throw Unsupported(description: "\(keyword.rawValue): \(argument.text)")
        }
    }

    private func isOf(_ type: String, _ value: JSONValue) throws -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
            ("object", .object):
            return true
        // A decimal describes itself in plain digits.
        case ("integer", .number(let number)): return !number.description.contains(".")
        case ("null", _), ("boolean", _), ("number", _), ("string", _), ("array", _), ("object", _), ("integer", _):
            return false
        default: throw Unsupported(description: "the type \(type)")
        }
    }
}
