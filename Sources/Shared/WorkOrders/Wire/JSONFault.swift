/// Why bytes are not the JSON that Moose takes.
package enum JSONFault: Error, Sendable, Equatable {
    /// Not one JSON value, or deeper than ``JSONSyntax/depthLimit``.
    case malformed
    /// An object names a member twice, with or without escapes; where: `title`, or `payload.path`.
    case repeatedName(String)
}
