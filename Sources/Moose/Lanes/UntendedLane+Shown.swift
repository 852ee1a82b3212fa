internal import Operations

extension UntendedLane {
    /// What it holds, in words.
    var load: String {
        "\(NumberText.grouped(stored)) stored" + (queued.map { ", \(NumberText.grouped($0)) queued" } ?? "")
    }
}
