import FoundationEssentials
import Synchronization
import TestSupport

/// Gives a message its fields, and notes each name it asks for.
final class FieldRecorder: Decoder {
    private let fields: [String: JSONValue]
    fileprivate let asked = Mutex<Set<String>>([])
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    private init(_ fields: [String: JSONValue]) { self.fields = fields }

    /// The names of all fields that a type reads.
    /// - Parameter fields: enough for it to come to its end.
    static func names(_ type: (some Decodable).Type, from fields: [String: JSONValue]) throws -> Set<String> {
        let recorder = FieldRecorder(fields)
        _ = try type.init(from: recorder)
        return recorder.asked.withLock { $0 }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Fields(recorder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw NotAnObject() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw NotAnObject() }

    private struct NotAnObject: Error {}

    private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let recorder: FieldRecorder
        let codingPath: [any CodingKey] = []
        var allKeys: [Key] { recorder.fields.keys.compactMap { Key(stringValue: $0) } }

        func contains(_ key: Key) -> Bool {
            recorder.asked.withLock { _ = $0.insert(key.stringValue) }
            return recorder.fields[key.stringValue] != nil
        }

        func decodeNil(forKey key: Key) -> Bool { !contains(key) }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            _ = contains(key)
            return try JSONDecoder().decode(type, from: Data((recorder.fields[key.stringValue] ?? .null).text.utf8))
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw NotAnObject() }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw NotAnObject() }
        func superDecoder() throws -> any Decoder { throw NotAnObject() }
        func superDecoder(forKey key: Key) throws -> any Decoder { throw NotAnObject() }
    }
}
