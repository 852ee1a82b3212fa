/// First in, first out; both ends in constant time on average, memory reused.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }

    mutating func append(_ element: Element) { elements.append(element) }

    /// Puts elements before all others, keeping their order.
    mutating func prepend(_ front: [Element]) {
        elements = front + elements[head...]
        head = 0
    }

    mutating func removeAll(where matches: (Element) -> Bool) {
        elements = elements[head...].filter { element in !(element.map(matches) ?? true) }
        head = 0
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: head < 65536)
            head = 0
        } else if head > 4096, head > elements.count / 2 {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}
