/// A list of words that a text column holds, such as the states of an order: `extension State: PostgresWord {}` lets an
/// enum of strings be read like any other value.
package protocol PostgresWord: PostgresDecodable, RawRepresentable<String> {}

extension PostgresWord {
    /// - Throws: also for a word that is none of them.
    package static func decode(_ bytes: RawSpan, type: PostgresType) throws(DecodingFault) -> Self {
        let text = try String.decode(bytes, type: type)
        guard let word = Self(rawValue: text) else { throw .unknown(word: text) }
        return word
    }
}
