internal import ArgumentParser

/// `MIN:MAX`, such as `1:8`.
struct AutoscaleArgument {
    let bounds: ClosedRange<Int>

    init(parsing text: String) throws(ValidationError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let least = Int(parts[0]), let most = Int(parts[1]) else {
            throw ValidationError("it should be MIN:MAX, two whole numbers such as 1:8")
        }
        guard (1...256).contains(least), (1...256).contains(most) else {
            throw ValidationError("MIN and MAX go from 1 to 256")
        }
        guard least <= most else { throw ValidationError("MIN is above MAX") }
        bounds = least...most
    }
}
