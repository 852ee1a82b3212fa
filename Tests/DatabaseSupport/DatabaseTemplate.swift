/// What a fresh database begins with: Moose's schema, and what some tests need beside it.
package struct DatabaseTemplate: Sendable {
    /// Every process makes the template of a name once: another script needs another name.
    let name: String
    /// Runs after the migrations.
    let script: String?

    package init(name: String, script: String? = nil) {
        self.name = name
        self.script = script
    }

    /// The schema as `moose migrate` leaves it.
    package static let moose = DatabaseTemplate(name: "moose")
}
