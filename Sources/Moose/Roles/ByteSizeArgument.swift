internal import ArgumentParser
internal import Settings

/// An amount of memory, such as `500MB`.
struct ByteSizeArgument: ExpressibleByArgument {
    let bytes: Int64

    init?(argument: String) {
        guard let bytes = ByteSize.parse(argument) else { return nil }
        self.bytes = bytes
    }
}
