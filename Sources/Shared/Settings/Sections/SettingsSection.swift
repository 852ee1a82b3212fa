/// A block of `moose.yaml` under a key of its own. All that belongs to it stands in one file: the values with their
/// defaults, how they are read, and what `moose config show` prints.
///
/// A new setting is a property, its key in ``read(_:)`` and its line in ``shown``.
protocol SettingsSection {
    /// The key the block stands under.
    static var key: String { get }

    /// Takes what the block says; what is missing or, with a mistake noted, wrong keeps its value.
    mutating func read(_ section: Section)

    /// The values in force, without secrets, in a form that reads back as the same.
    var shown: ShownValue { get }
}

extension SettingsSection {
    /// The block under its key, as it is shown in the one around it.
    var entry: (key: String, value: ShownValue) { (key: Self.key, value: shown) }
}

extension Section {
    /// Reads the block under the value's key, if there is one.
    func read<Value: SettingsSection>(into value: inout Value) {
        if let block = section(Value.key) { value.read(block) }
    }
}
