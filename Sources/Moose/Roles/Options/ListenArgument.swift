internal import ArgumentParser
internal import Settings

/// The value of `--listen`, such as `127.0.0.1:9100` or `9100`.
struct ListenArgument {
    let address: ListenAddress

    init(parsing text: String) throws(ValidationError) {
        do throws(ListenAddress.Flaw) {
            address = try ListenAddress(text)
        } catch {
            throw ValidationError("it \(error.description)")
        }
    }
}

/// `--listen` under the name it had while it took a port alone: units and scripts written for that go on.
struct EarlierListenOption: ParsableArguments {
    @Option(
        name: .customLong("http-port"), parsing: .unconditional, help: .hidden,
        transform: { try ListenArgument(parsing: $0) })
    var listen: ListenArgument?
}
