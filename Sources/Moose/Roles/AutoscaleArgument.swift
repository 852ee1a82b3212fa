internal import ArgumentParser

/// `MIN:MAX`, such as `1:8`.
struct AutoscaleArgument: ExpressibleByArgument {
    let bounds: ClosedRange<Int>

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let least = Int(parts[0]), let most = Int(parts[1]), least <= most,
            (1...256).contains(least), most <= 256
        else { return nil }
        bounds = least...most
    }
}
