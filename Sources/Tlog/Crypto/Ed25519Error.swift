/// What was wrong with an Ed25519 key.
public enum Ed25519Error: NamedFailure, Hashable {
    /// A public key of this many bytes; 32 are needed.
    case publicKeyLength(Int)
    /// The y coordinate is not below 2^255 - 19.
    case publicKeyNotCanonical
    /// The bytes decode to no point of the curve.
    case publicKeyNotOnCurve
    /// The point has order 1, 2, 4 or 8.
    case publicKeySmallOrder
    /// The point has a component of small order.
    case publicKeyMixedOrder
    /// A seed of this many bytes; 32 are needed.
    case seedLength(Int)

    public var reason: String {
        switch self {
        case .publicKeyLength: "public-key-length"
        case .publicKeyNotCanonical: "public-key-not-canonical"
        case .publicKeyNotOnCurve: "public-key-not-on-curve"
        case .publicKeySmallOrder: "public-key-small-order"
        case .publicKeyMixedOrder: "public-key-mixed-order"
        case .seedLength: "seed-length"
        }
    }
}
