/// The messages sent on a confirming channel and not yet answered: contiguous sequence numbers, so that an answer for
/// many costs only what it settles.
struct ConfirmWindow<Element> {
    private var base: UInt64 = 1
    private var slots: [Element?] = []
    private var head = 0
    /// Sent and unanswered.
    private(set) var count = 0

    /// The broker numbers publishes on a channel from 1; so does this.
    mutating func append(_ element: Element) {
        slots.append(element)
        count += 1
    }

    /// Settles `sequence`, or with `multiple` all up to it. Numbers never sent, or settled already, change nothing.
    /// With `multiple`, sequence 0 means everything so far.
    mutating func settle(_ sequence: UInt64, multiple: Bool, _ body: (Element) -> Void) {
        if multiple {
            let end = base + UInt64(slots.count - head)
            let stop = sequence == 0 ? end : min(end, sequence &+ 1)
            while base < stop { popFirst(body) }
        } else {
            guard sequence >= base, sequence - base < UInt64(slots.count - head) else { return }
            let index = head + Int(sequence - base)
            guard let element = slots[index] else { return }
            slots[index] = nil
            count -= 1
            body(element)
        }
        while head < slots.count, slots[head] == nil { advance() }
        compact()
    }

    /// Everything unanswered, oldest first.
    var outstanding: [Element] { slots[head...].compactMap(\.self) }

    /// Forgets everything and starts a new channel.
    /// - Returns: what was unanswered, oldest first.
    mutating func reset() -> [Element] {
        let left = outstanding
        self = ConfirmWindow()
        return left
    }

    private mutating func popFirst(_ body: (Element) -> Void) {
        if let element = slots[head] {
            count -= 1
            body(element)
        }
        advance()
    }

    private mutating func advance() {
        slots[head] = nil
        head += 1
        base += 1
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
