/// How many there are of each label, where labels are few and many things have the same.
struct Tally: Sendable {
    private(set) var all: [(label: String, count: Int)] = []

    mutating func add(_ label: String) {
        if let index = all.firstIndex(where: { $0.label == label }) {
            all[index].count += 1
        } else {
            all.append((label, 1))
        }
    }
}
