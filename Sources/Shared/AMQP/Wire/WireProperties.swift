internal import Crypto

/// A message's properties and headers as AMQP writes them: what is kept of a message, and sent on, is what came.
///
/// Only the first level of the headers is ever walked, so their depth costs nothing.
package struct WireProperties: Sendable, Equatable {
    /// Flags and values, as they stand in a header frame.
    package let bytes: [UInt8]

    /// The bits of the flags, highest first, as the values follow.
    enum Property: UInt16, CaseIterable {
        case contentType = 15
        case contentEncoding = 14
        case headers = 13
        case deliveryMode = 12
        case priority = 11
        case correlationID = 10
        case replyTo = 9
        case expiration = 8
        case messageID = 7
        case timestamp = 6
        case type = 5
        case userID = 4
        case appID = 3
        case clusterID = 2

        fileprivate var flag: UInt16 { 1 << rawValue }
    }

    /// One header: where its name stands, and where all of it.
    private struct Header {
        let name: Range<Int>
        let whole: Range<Int>
    }

    /// Where each property stands, its length included. Each delivery is read by one: nothing that hashes or allocates.
    private struct Layout {
        private var ranges = InlineArray<16, Range<Int>?>(repeating: nil)

        subscript(property: Property) -> Range<Int>? {
            get { ranges[Int(property.rawValue)] }
            set { ranges[Int(property.rawValue)] = newValue }
        }
    }

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// Nil when AMQP can't carry them: a text or a header's name has more than 255 bytes.
    package init?(_ properties: MessageProperties) {
        var flags: UInt16 = 0
        var values: [UInt8] = []
        for property in Property.allCases {
            let start = values.count
            guard properties.append(property, to: &values) else { return nil }
            if values.count > start { flags |= property.flag }
        }
        bytes = FieldCoding.bigEndian(flags) + values
    }

    /// The properties for reading. What can't be read at all is left out; ``bytes`` has it.
    package var readable: MessageProperties {
        guard let layout else { return MessageProperties(deliveryMode: .transient) }
        func text(_ property: Property) -> String? {
            layout[property].map { WireText.text(bytes[$0.dropFirst()]) }
        }
        func number<T: FixedWidthInteger>(_ property: Property) -> T? {
            layout[property].flatMap { range in
                var reader = WireReader(bytes, range)
                return reader.number()
            }
        }
        var result = MessageProperties(
            messageID: text(.messageID), contentType: text(.contentType), type: text(.type), appID: text(.appID),
            correlationID: text(.correlationID), replyTo: text(.replyTo), timestamp: number(.timestamp),
            // Without the property a message is transient.
            deliveryMode: number(.deliveryMode) == UInt8(2) ? .persistent : .transient)
        result.contentEncoding = text(.contentEncoding)
        result.priority = number(.priority)
        result.expiration = text(.expiration)
        result.userID = text(.userID)
        result.clusterID = text(.clusterID)
        if let range = layout[.headers] {
            guard let headers = headers(range) else {
                result.headers["!unreadable"] = .encoded(Array(bytes[range]))
                return result
            }
            for header in headers {
                var reader = WireReader(bytes, header.name.upperBound..<header.whole.upperBound)
                result.headers[WireText.text(bytes[header.name])] = FieldCoding.value(&reader)
            }
        }
        return result
    }

    /// For sending on: the same without the user's name, which the broker compares with whoever publishes, and without
    /// some headers.
    /// - Parameters:
    ///   - isDropped: says of a header's name whether it stays behind.
    ///   - headers: take the place of those of their names.
    ///   - messageID: another id; nil: as it was.
    /// - Returns: nil when the properties can't be taken apart, or AMQP can't carry what is new.
    package func forwarded(
        without isDropped: (String) -> Bool, adding headers: FieldTable = [:], messageID: String? = nil
    ) -> WireProperties? {
        guard let layout else { return nil }
        var flags: UInt16 = 0
        var values: [UInt8] = []
        for property in Property.allCases {
            let start = values.count
            switch (property, layout[property], messageID) {
            case (.userID, _, _): break
            case (.messageID, _, let messageID?):
                guard FieldCoding.appendShort(messageID, to: &values) else { return nil }
            case (.headers, let range, _):
                guard let table = table(range, without: { isDropped($0) || headers[$0] != nil }, adding: headers) else {
                    return nil
                }
                values += table
            case (_, let range?, _): values += bytes[range]
            case (_, nil, _): break
            }
            if values.count > start { flags |= property.flag }
        }
        return WireProperties(bytes: FieldCoding.bigEndian(flags) + values)
    }

    /// Of a delivery: the same however often the broker hands the message out, and another for any other message.
    package func digest(bodyDigest: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: bodyDigest + canonical))
    }

    /// The broker counts deliveries in the headers, and sorts them when it does.
    private var canonical: [UInt8] {
        guard let layout, let headers = layout[.headers].map({ headers($0) }) ?? [] else { return bytes }
        let counts = ["x-delivery-count", "x-acquired-count"].map { Array($0.utf8) }
        let kept = headers.filter { !counts.contains(Array(bytes[$0.name])) }.map { Array(bytes[$0.whole]) }
        let others = Property.allCases.filter { $0 != .headers }.flatMap { property in
            layout[property].map { FieldCoding.bigEndian(property.rawValue) + bytes[$0] } ?? []
        }
        return others + kept.sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self)
    }

    /// The headers' table, its length before it; empty when none is left.
    private func table(
        _ range: Range<Int>?, without isDropped: (String) -> Bool, adding added: FieldTable
    ) -> [UInt8]? {
        guard let old = range.map({ headers($0) }) ?? [] else { return nil }
        var table: [UInt8] = []
        let isWhole = FieldCoding.sized(&table) { table in
            for header in old where !isDropped(WireText.text(bytes[header.name])) {
                table += bytes[header.whole]
            }
            return added.sorted { $0.key < $1.key }.allSatisfy { FieldCoding.append($0.key, $0.value, to: &table) }
        }
        guard isWhole else { return nil }
        return table.count == 4 ? [] : table
    }

    /// Nil when the table can't be taken apart.
    private func headers(_ range: Range<Int>) -> [Header]? {
        var reader = WireReader(bytes, range.dropFirst(4))
        var headers: [Header] = []
        while !reader.isAtEnd {
            let start = reader.position
            guard let name = reader.short(), let value = FieldCoding.skip(&reader) else { return nil }
            headers.append(Header(name: name, whole: start..<value.upperBound))
        }
        return headers
    }

    /// Nil when the bytes are no properties.
    private var layout: Layout? {
        var reader = WireReader(bytes)
        // The lowest bit would announce more flags, which AMQP 0-9-1 has no use for.
        guard let flags = reader.number(UInt16.self), flags & 3 == 0 else { return nil }
        var layout = Layout()
        for property in Property.allCases where flags & property.flag != 0 {
            let start = reader.position
            let value: Range<Int>? =
                switch property {
                case .deliveryMode, .priority: reader.skip(1)
                case .timestamp: reader.skip(8)
                case .headers: reader.long()
                default: reader.short()
                }
            guard let value else { return nil }
            layout[property] = start..<value.upperBound
        }
        return layout
    }
}

extension MessageProperties {
    /// Appends a property as AMQP writes it; nothing where there is none.
    /// - Returns: false when AMQP can't carry it.
    fileprivate func append(_ property: WireProperties.Property, to bytes: inout [UInt8]) -> Bool {
        func text(_ value: String?) -> Bool { value.map { FieldCoding.appendShort($0, to: &bytes) } ?? true }
        switch property {
        case .contentType: return text(contentType)
        case .contentEncoding: return text(contentEncoding)
        case .correlationID: return text(correlationID)
        case .replyTo: return text(replyTo)
        case .expiration: return text(expiration)
        case .messageID: return text(messageID)
        case .type: return text(type)
        case .userID: return text(userID)
        case .appID: return text(appID)
        case .clusterID: return text(clusterID)
        case .deliveryMode: bytes.append(deliveryMode.rawValue)
        case .priority: if let priority { bytes.append(priority) }
        case .timestamp: if let timestamp { bytes += FieldCoding.bigEndian(timestamp) }
        case .headers:
            guard !headers.isEmpty else { return true }
            return FieldCoding.sized(&bytes) { bytes in
                headers.allSatisfy { FieldCoding.append($0.key, $0.value, to: &bytes) }
            }
        }
        return true
    }
}
