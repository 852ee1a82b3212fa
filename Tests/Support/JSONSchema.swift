internal import FoundationEssentials

/// A JSON Schema, as far as Moose's own schemas use the language. A keyword it doesn't know is an error, not an opinion
/// that is passed over: what isn't understood can't be checked.
package struct JSONSchema {
    package enum Keyword: String, CaseIterable {
        case schema = "$schema"
        case id = "$id"
        case definitions = "$defs"
        case reference = "$ref"
        case title, description, examples, type, required, properties, additionalProperties, items, maxItems
        case minLength, maxLength, pattern, format, minimum, maximum, oneOf, anyOf
        case choice = "enum"
    }

    package struct Unsupported: Error, CustomStringConvertible {
        package let description: String
    }

    package let root: JSONValue
    private let ignored: Set<Keyword>
    private(set) var patterns: [String: Regex<AnyRegexOutput>] = [:]

    /// - Parameter ignored: keywords that are read and not applied.
    package init(_ root: JSONValue, ignoring ignored: Set<Keyword> = []) throws {
        self.root = root
        self.ignored = ignored
        try learn(root)
    }

    package var properties: [String: JSONValue] { root["properties"].object }
    package var required: [String] { root["required"].array.compactMap(\.string) }

    /// The first example that the schema itself gives.
    package var example: [String: JSONValue] { root["examples"].array.first?.object ?? [:] }

    /// The example with one field replaced by JSON text, or left out.
    package func example(with value: String?, as field: String) -> String {
        var fields = example.mapValues(\.text)
        fields[field] = value
        return JSONValue.object(fields)
    }

    package func accepts(_ value: JSONValue) throws -> Bool { try accepts(value, root) }

    /// The schema itself, what it refers to, and every alternative of it.
    package func alternatives(of schema: JSONValue) throws -> [JSONValue] {
        var found = [schema]
        if let reference = schema["$ref"].string { found += try alternatives(of: resolve(reference)) }
        for part in schema["oneOf"].array + schema["anyOf"].array { found += try alternatives(of: part) }
        return found
    }

    private mutating func learn(_ schema: JSONValue) throws {
        if case .bool = schema { return }
        guard case .object(let members) = schema else { throw Unsupported(description: "the schema \(schema.text)") }
        for name in members.keys where Keyword(rawValue: name) == nil {
            throw Unsupported(description: "the keyword \(name)")
        }
        if let pattern = schema["pattern"].string {
            patterns[pattern] = try Regex(pattern).matchingSemantics(.unicodeScalar)
        }
        for (_, part) in schema["properties"].object { try learn(part) }
        for (_, part) in schema["$defs"].object { try learn(part) }
        for part in schema["oneOf"].array + schema["anyOf"].array { try learn(part) }
        for name in ["items", "additionalProperties"] { if let part = members[name] { try learn(part) } }
    }

    func resolve(_ reference: String) throws -> JSONValue {
        guard reference.hasPrefix("#/") else { throw Unsupported(description: "the reference \(reference)") }
        let target = reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] }
        guard case .object = target else { throw Unsupported(description: "\(reference), which leads nowhere") }
        return target
    }

    func accepts(_ value: JSONValue, _ schema: JSONValue) throws -> Bool {
        if case .bool(let takesAll) = schema { return takesAll }
        return try schema.object.allSatisfy { name, argument in
            guard let keyword = Keyword(rawValue: name) else { throw Unsupported(description: "the keyword \(name)") }
            return try ignored.contains(keyword) || holds(keyword, argument, for: value, of: schema)
        }
    }
}
