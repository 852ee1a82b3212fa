/// One text of metrics from those of many processes: every sample gets the label `process`.
package enum ExpositionMerge {
    private struct Family {
        var header: [Substring] = []
        var samples: [String] = []
    }

    /// - Parameters:
    ///   - own: the parent's metrics, left as they are.
    ///   - parts: those of its processes, in the Prometheus text format, by number.
    package static func merged(own: [UInt8], parts: [(process: Int, text: String)]) -> [UInt8] {
        var families: [Substring: Family] = [:]
        let own = String(decoding: own, as: UTF8.self)
        add(own, process: nil, to: &families)
        for part in parts { add(part.text, process: part.process, to: &families) }
        var text = ""
        for (_, family) in families.sorted(by: { $0.key < $1.key }) {
            for line in family.header { text += line + "\n" }
            for line in family.samples { text += line + "\n" }
        }
        return Array(text.utf8)
    }

    private static func add(_ text: String, process: Int?, to families: inout [Substring: Family]) {
        var name: Substring = ""
        var isNew = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                let words = line.split(separator: " ", maxSplits: 3)
                guard words.count > 2 else { continue }
                if words[2] != name {
                    name = words[2]
                    isNew = families[name] == nil
                }
                if isNew { families[name, default: Family()].header.append(line) }
            } else {
                families[name, default: Family()].samples.append(labelled(line, process))
            }
        }
    }

    private static func labelled(_ line: Substring, _ process: Int?) -> String {
        guard let process, let end = line.firstIndex(where: { $0 == "{" || $0 == " " }) else { return String(line) }
        let rest = line[line.index(after: end)...]
        return line[end] == "{"
            ? "\(line[..<end]){process=\"\(process)\",\(rest)" : "\(line[..<end]){process=\"\(process)\"} \(rest)"
    }
}
