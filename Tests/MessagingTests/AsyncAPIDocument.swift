import FoundationEssentials
import TestSupport
import Testing
import Yams

/// docs/asyncapi.yaml, for looking into.
struct AsyncAPIDocument {
    private static let folder = "docs"
    let root: JSONValue

    init() throws {
        let node = try #require(try compose(yaml: Repository.text("\(Self.folder)/asyncapi.yaml")))
        root = Self.value(node)
    }

    private static func value(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(
                Dictionary(
                    mapping.map { ($0.key.string ?? "", value($0.value)) }, uniquingKeysWith: { _, _ in .null }))
        case .sequence(let sequence): return .array(sequence.map(value))
        default: break
        }
        if node.tag == Tag(.null) { return .null }
        if node.tag == Tag(.bool) { return .bool(node.bool ?? false) }
        if node.tag == Tag(.int), let number = node.int { return .number(Decimal(number)) }
        return .string(node.string ?? "")
    }

    /// Every reference of the document, wherever it stands.
    var references: [String] { Self.references(in: root) }

    private static func references(in value: JSONValue) -> [String] {
        let own = [value["$ref"].string].compactMap { $0 }
        return own + value.object.values.flatMap(references) + value.array.flatMap(references)
    }

    /// What a reference leads to: a node of the document, or a JSON document in a file beside it.
    func resolve(_ reference: String) throws -> JSONValue {
        guard reference.hasPrefix("#/") else { return try JSONValue(Repository.text("\(Self.folder)/\(reference)")) }
        return reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] }
    }

    /// The value itself, or what it refers to.
    func follow(_ value: JSONValue) throws -> JSONValue {
        try value["$ref"].string.map { try follow(resolve($0)) } ?? value
    }

    func channel(_ name: String) throws -> JSONValue {
        let channel = root["channels"][name]
        try #require(channel != .null, "there is no channel \(name)")
        return channel
    }

    /// The only message of a channel.
    func message(of channel: String) throws -> JSONValue {
        let messages = try self.channel(channel)["messages"].object
        try #require(messages.count == 1)
        return try follow(try #require(messages.values.first))
    }
}
