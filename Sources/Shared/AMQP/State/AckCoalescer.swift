/// Turns acknowledgements in any order into few `basic.ack` methods: a settled prefix becomes one for many.
struct AckCoalescer {
    /// One `basic.ack` to send.
    struct Acknowledgement: Equatable {
        var tag: UInt64
        var multiple: Bool
    }

    private enum Slot { case outstanding, acknowledged, settled }

    private var base: UInt64 = 1
    private var slots: [Slot] = []
    private var head = 0
    private var strays: Set<UInt64> = []

    /// Delivered and neither acknowledged nor rejected.
    private(set) var outstanding = 0

    /// A delivery arrived; tags on a channel count up from 1.
    mutating func delivered(_ tag: UInt64) {
        // A gap would mean a delivery this client never saw; it must not be acknowledged by a later `multiple`.
        while base + UInt64(slots.count - head) < tag { slots.append(.outstanding) }
        guard base + UInt64(slots.count - head) == tag else { return }
        slots.append(.outstanding)
        outstanding += 1
    }

    /// - Returns: false when the tag is unknown or settled already; nothing is sent for it then.
    @discardableResult
    mutating func acknowledge(_ tag: UInt64) -> Bool {
        guard settle(tag, as: .acknowledged) else { return false }
        strays.insert(tag)
        return true
    }

    /// Takes a delivery out that was rejected on its own.
    /// - Returns: false when the tag is unknown or settled already; nothing may be sent for it then.
    mutating func reject(_ tag: UInt64) -> Bool { settle(tag, as: .settled) }

    /// What to send now, in order.
    mutating func drain() -> [Acknowledgement] {
        guard !strays.isEmpty else {
            dropSettledPrefix()
            return []
        }
        var answers: [Acknowledgement] = []
        var covered = 0
        var last: UInt64 = 0
        while head < slots.count, slots[head] != .outstanding {
            if slots[head] == .acknowledged, strays.remove(base) != nil {
                covered += 1
                last = base
            }
            head += 1
            base += 1
        }
        if covered > 0 { answers.append(Acknowledgement(tag: last, multiple: covered > 1)) }
        for tag in strays.sorted() { answers.append(Acknowledgement(tag: tag, multiple: false)) }
        strays.removeAll(keepingCapacity: true)
        compact()
        return answers
    }

    private mutating func settle(_ tag: UInt64, as slot: Slot) -> Bool {
        guard tag >= base, tag - base < UInt64(slots.count - head) else { return false }
        let index = head + Int(tag - base)
        guard slots[index] == .outstanding else { return false }
        slots[index] = slot
        outstanding -= 1
        return true
    }

    private mutating func dropSettledPrefix() {
        while head < slots.count, slots[head] != .outstanding {
            head += 1
            base += 1
        }
        compact()
    }

    private mutating func compact() {
        if head == slots.count {
            slots.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head > slots.count / 2 {
            slots.removeFirst(head)
            head = 0
        }
    }
}
