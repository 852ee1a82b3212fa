import Testing

@testable import AMQP

@Suite struct DeliveryAssemblerTests {
    @Test func `a body in several frames comes out whole`() {
        var assembler = DeliveryAssembler<Int>(limit: 10)
        assembler.open(7)
        let early1 = assembler.header(bodySize: 5, properties: WireProperties(bytes: [1]))
        #expect(early1 == nil)
        let early2 = assembler.body([1, 2])
        #expect(early2 == nil)
        let early3 = assembler.body([3, 4])
        #expect(early3 == nil)
        let content = assembler.body([5])
        #expect(content?.opening == 7)
        #expect(content?.properties == WireProperties(bytes: [1]))
        #expect(content?.body == [1, 2, 3, 4, 5])
    }

    @Test func `a body over the limit is only measured`() {
        var assembler = DeliveryAssembler<Int>(limit: 70_000)
        let half = [UInt8](repeating: 5, count: 50_000)
        for size in [70_000, 70_001] {
            assembler.open(size)
            let early = assembler.header(bodySize: size, properties: WireProperties(bytes: [0, 0]))
            let middle = assembler.body(half)
            let content = assembler.body(Array(half.prefix(size - half.count)))
            #expect(early == nil && middle == nil)
            #expect(content?.bodySize == size)
            #expect(content?.body.count == (size > 70_000 ? 65_536 : size))
            #expect((content?.cutDigest == nil) == (size <= 70_000))
        }
    }

    @Test func `an empty body needs no frame`() {
        var assembler = DeliveryAssembler<Int>(limit: 10)
        assembler.open(1)
        let content = assembler.header(bodySize: 0, properties: WireProperties(bytes: [0, 0]))
        #expect(content?.body == [])
    }

    @Test func `frames nobody asked for are dropped`() {
        var assembler = DeliveryAssembler<Int>(limit: 10)
        let early4 = assembler.header(bodySize: 0, properties: WireProperties(bytes: [0, 0]))
        #expect(early4 == nil)
        let early5 = assembler.body([1])
        #expect(early5 == nil)
        assembler.open(1)
        let early6 = assembler.body([1])
        #expect(early6 == nil)
    }
}
