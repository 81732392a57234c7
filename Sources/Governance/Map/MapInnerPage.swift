internal import Tlog

/// What a page knows of one of the 16 subtrees four levels below its root.
enum MapSlot: Sendable, Hashable {
    /// No key.
    case empty
    /// One key.
    case leaf(MapLeaf)
    /// Two keys or more, in a page of their own.
    ///
    /// - keys: their number, ``MapPage/many`` for all numbers that no bucket holds; nil where it is not known, which is
    ///   above the root.
    case page(hash: Hash, keys: Int?)
}

/// A page of a subtree with more keys than a bucket holds: four levels of the prefix tree.
///
/// It is the 16 slots at the lowest of the levels. The hashes above them follow, and are worked out when the page is
/// read: then whatever is in the page is held to its root.
struct MapInnerPage: Sendable {
    /// A node of the page's levels. A leaf has the place of its parent where nothing is beside it.
    private enum Node {
        case absent
        case leaf(Hash)
        case subtree(Hash)

        init(_ slot: MapSlot) {
            switch slot {
            case .empty: self = .absent
            case .leaf(let leaf): self = .leaf(leaf.hash)
            case .page(let hash, _): self = .subtree(hash)
            }
        }

        init(_ left: Node, _ right: Node) {
            switch (left, right) {
            case (.absent, .absent): self = .absent
            case (.leaf, .absent): self = left
            case (.absent, .leaf): self = right
            default: self = .subtree(MapNode.parentHash(left.hash, right.hash))
            }
        }

        var hash: Hash {
            switch self {
            case .absent: .zero
            case .leaf(let hash), .subtree(let hash): hash
            }
        }
    }

    /// The levels of the prefix tree in a page.
    static let levels = 4
    static let slotCount = 16

    private(set) var slots: [MapSlot]
    /// The root is number 1, the children of n are 2n and 2n + 1, the slots 16 ... 31.
    private var nodes: [Node]

    /// - Parameter slots: 16 of them.
    init(_ slots: [MapSlot]) {
        self.slots = slots
        nodes = Array(repeating: .absent, count: 2 * MapInnerPage.slotCount)
        for (number, slot) in slots.enumerated() { nodes[MapInnerPage.slotCount + number] = Node(slot) }
        for number in (1..<MapInnerPage.slotCount).reversed() {
            nodes[number] = Node(nodes[2 * number], nodes[2 * number + 1])
        }
    }

    /// The hash of the subtree.
    var hash: Hash { nodes[1].hash }

    /// The number of keys in the subtree, as far as the slots say; ``MapPage/many`` or more is just that.
    var keys: Int {
        slots.reduce(0) { sum, slot in
            switch slot {
            case .empty: sum
            case .leaf: sum + 1
            case .page(_, let keys): sum + (keys ?? MapPage.many)
            }
        }
    }

    /// Puts other things in slots, and hashes each node above them once.
    mutating func set(_ changed: [(number: Int, slot: MapSlot)]) {
        var dirty = 0 as UInt32
        for (number, slot) in changed {
            slots[number] = slot
            nodes[MapInnerPage.slotCount + number] = Node(slot)
            dirty |= 1 << UInt32((MapInnerPage.slotCount + number) / 2)
        }
        for number in (1..<MapInnerPage.slotCount).reversed() where dirty & 1 << UInt32(number) != 0 {
            nodes[number] = Node(nodes[2 * number], nodes[2 * number + 1])
            dirty |= 1 << UInt32(number / 2)
        }
    }

    /// Walks from the page's root towards a key, down to a slot or to a leaf above.
    ///
    /// - Parameter depth: the number of bits above the page.
    func search(_ key: Hash, depth: Int, _ siblings: inout MapSiblings) -> MapSlot {
        var number = 1
        for level in 0..<MapInnerPage.levels {
            switch nodes[number] {
            case .absent: return .empty
            case .leaf: return onlySlot(below: number, level: level)
            case .subtree: break
            }
            if key.bit(depth + level) {
                siblings.addLeft(nodes[2 * number].hash)
                number = 2 * number + 1
            } else {
                siblings.addRight(nodes[2 * number + 1].hash)
                number = 2 * number
            }
        }
        return slots[number - MapInnerPage.slotCount]
    }

    /// The slot of the leaf that has the place of a node.
    private func onlySlot(below node: Int, level: Int) -> MapSlot {
        let width = MapInnerPage.slotCount >> level
        let first = node * width - MapInnerPage.slotCount
        return slots[first..<first + width].first { $0 != .empty } ?? .empty
    }
}
