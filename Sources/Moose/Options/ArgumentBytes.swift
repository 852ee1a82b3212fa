/// The arguments as the system handed them over: Swift replaces what is no UTF-8, and then something else would be published
/// than was meant.
enum ArgumentBytes {
    /// The number of the first argument that is no text, from 1; nil: all are.
    static func firstWithoutText() -> Int? {
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { continue }
            if unsafe String(validatingCString: argument) == nil { return index }
        }
        return nil
    }
}
