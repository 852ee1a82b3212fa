package import FoundationEssentials

/// Files of this clone, found from where the tests were compiled: documents and programs that must agree with the code.
package enum Repository {
    /// - Parameter path: from the root of the clone.
    package static func path(_ path: String) -> String {
        // Tests/Support/Repository.swift is three steps below the root.
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/\(path)"
    }

    /// The bytes of a file.
    package static func data(_ path: String) throws -> Data {
        try Data(contentsOf: URL(filePath: self.path(path)))
    }

    /// A file of text.
    package static func text(_ path: String) throws -> String { String(decoding: try data(path), as: UTF8.self) }
}
