internal import Glibc

/// Names in a folder where entries come and go while one reads, such as /proc.
enum FolderListing {
    /// Empty when the folder is gone.
    static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { byte in byte != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names
    }
}
