internal import FoundationEssentials
internal import Glibc

/// What `/proc` says about processes.
enum ProcessTable {
    /// Whether a process of this group still runs. Zombies, which `kill` counts, don't: they only wait for a parent that
    /// may take its time.
    static func hasLiveMember(ofGroup group: pid_t) -> Bool {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else {
            // Without /proc nobody knows: then the caller waits as long as it would for a live one.
            return true
        }
        return names.contains { name in
            guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let stat = FileManager.default.contents(atPath: "/proc/\(name)/stat"),
                let nameEnd = stat.lastIndex(of: UInt8(ascii: ")"))
            else { return false }
            // state, parent, group: the fields behind the program's name, which may hold anything.
            let fields = String(decoding: stat[(nameEnd + 1)...], as: UTF8.self).split(separator: " ", maxSplits: 3)
            guard fields.count > 2, pid_t(fields[2]) == group else { return false }
            return fields[0] != "Z" && fields[0] != "X"
        }
    }
}
