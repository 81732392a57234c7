internal import COSE

/// The content of an event: an item, or where its encoding stands until somebody asks for it.
enum EventData: Sendable {
    case item(CBOR)
    /// Bytes, and the place in them of an item that was checked under the ``limits``.
    case encoded([UInt8], Range<Int>)

    /// What the limits of a payload leave for a field inside the map and its seven keys and values.
    static let limits: CBORLimits = {
        var limits = CBORLimits.default
        limits.depth -= 1
        limits.items -= 15
        return limits
    }()

    var item: CBOR {
        switch self {
        case .item(let item): return item
        case .encoded(let bytes, let range):
            var reader = CBORReader(bytes, in: range, limits: Self.limits, keyOrder: .deterministic)
            do {
                return try reader.item()
            } catch {
                preconditionFailure("an item that was checked can't be read: \(error)")
            }
        }
    }
}
