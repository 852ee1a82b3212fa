internal import ArgumentParser
internal import Settings

/// The value of `--listen`, such as `127.0.0.1:9100` or `9100`.
struct ListenArgument {
    let address: ListenAddress

    /// The second is what it was called while it took a port alone: units and scripts written for that go on.
    static let names: NameSpecification = [.customLong("listen"), .customLong("http-port")]

    init(parsing text: String) throws(ValidationError) {
        do throws(ListenAddress.Flaw) {
            address = try ListenAddress(text)
        } catch {
            throw ValidationError("it \(error.description)")
        }
    }
}
