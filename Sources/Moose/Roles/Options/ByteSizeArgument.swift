internal import ArgumentParser
internal import Settings

/// An amount of memory, such as `500MB`.
struct ByteSizeArgument {
    let bytes: Int64

    init(parsing text: String) throws(ValidationError) {
        guard let bytes = ByteSize.parse(text) else { throw ValidationError("it should be \(ByteSize.expected)") }
        self.bytes = bytes
    }
}
