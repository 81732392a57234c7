public import Tlog

/// What an identity may be trusted with. Authorities are named by the policy itself.
public enum Role: String, Sendable, Hashable, CaseIterable {
    case `operator`
    case runtime
    case registrar
    case gate
    case observer
}

/// An issuer whose statements the log takes, with one of its keys.
public struct EnrolledIssuer: Sendable, Hashable {
    /// A URI in visible ASCII, such as a SPIFFE ID. Compared byte for byte.
    public let issuer: String
    public let key: Ed25519.PublicKey
    /// In the order in which the policy has them, none twice.
    public let roles: [Role]

    public init(issuer: String, key: Ed25519.PublicKey, roles: [Role]) {
        self.issuer = issuer
        self.key = key
        self.roles = roles
    }
}
