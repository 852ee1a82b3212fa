extension Array {
    /// Cuts it so that no piece holds more than this many bytes, or it has one element only: what travels to the database in
    /// one statement must be bounded, however large its parts are.
    func pieces(ofBytes limit: Int = 16 << 20, _ size: (Element) -> Int) -> [ArraySlice<Element>] {
        var pieces: [ArraySlice<Element>] = []
        var start = startIndex
        var bytes = 0
        for index in indices {
            let more = size(self[index])
            if index > start, bytes + more > limit {
                pieces.append(self[start..<index])
                start = index
                bytes = 0
            }
            bytes += more
        }
        if start < endIndex { pieces.append(self[start...]) }
        return pieces
    }
}
