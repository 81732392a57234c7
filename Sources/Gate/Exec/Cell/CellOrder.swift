/// What a gate tells a cell, a byte each, over the pipe whose closing ends the cell.
public enum CellOrder: Sendable, Hashable {
    /// What runs may go on: the checks passed again.
    case goOn
    /// Everything in the cell is asked to end (SIGTERM).
    case terminate
    /// Everything in the cell ends.
    case kill
    /// The command gets this signal, which somebody sent to the gate.
    case signal(Int32)

    /// Signals that can be passed on: 1 to 64.
    public static let signals: ClosedRange<Int32> = 1...64

    public var byte: UInt8 {
        switch self {
        case .goOn: 0x2e
        case .terminate: 0x54
        case .kill: 0x4b
        case .signal(let number): 0x80 | UInt8(truncatingIfNeeded: number)
        }
    }

    /// Nil for a byte that is no order.
    public init?(byte: UInt8) {
        switch byte {
        case 0x2e: self = .goOn
        case 0x54: self = .terminate
        case 0x4b: self = .kill
        default:
            guard byte >= 0x80, CellOrder.signals.contains(Int32(byte & 0x7f)) else { return nil }
            self = .signal(Int32(byte & 0x7f))
        }
    }
}
