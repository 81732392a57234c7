internal import COSE
public import Tlog

/// What a log admits, whose keys count in it, and who may change that.
///
/// Its one encoding is the deterministic CBOR of the map that `spec/governance.md` defines; its digest is the SHA-256
/// of that. A value of this type has passed every check in the specification.
public struct Policy: Sendable, Hashable {
    /// The log that the policy is for.
    public let origin: Origin
    public let logKeys: LogPublicKeys
    /// Who may change the policy; 1 to 64, none twice.
    public let authorities: [Ed25519.PublicKey]
    /// How many of them it takes.
    public let threshold: Int
    /// Whose statements are admitted. An issuer with several keys is there several times.
    public let issuers: [EnrolledIssuer]
    /// Content types of opaque evidence that are admitted besides events: media types, `hash-envelope` for any
    /// statement over a digest, or `*` for everything.
    public let contentTypes: [String]
    public let limits: PolicyLimits
    public let rates: PolicyRates
    /// Whether heads without a witness's cosignature may be relied on.
    public let allowUnwitnessed: Bool
    /// What governs containments, permits and leases; nil where the policy leaves it at what ``PolicyGovernance`` has.
    public let governance: PolicyGovernance?
    /// What binds the evaluation of requests; nil where the policy leaves it at what ``PolicyBounds`` has.
    public let bounds: PolicyBounds?
    /// The digest of the policy that this one takes the place of; nil in a genesis.
    public let previous: Hash?
    /// SHA-256 of ``encoded()``.
    public let digest: Hash

    /// A policy of these parts.
    ///
    /// - Throws: ``PolicyError`` for parts that cannot be, alone or together.
    public init(
        origin: Origin, logKeys: LogPublicKeys, authorities: [Ed25519.PublicKey], threshold: Int,
        issuers: [EnrolledIssuer], contentTypes: [String] = [], limits: PolicyLimits = PolicyLimits(),
        rates: PolicyRates = PolicyRates(), allowUnwitnessed: Bool = false, governance: PolicyGovernance? = nil,
        bounds: PolicyBounds? = nil, previous: Hash? = nil
    ) throws(PolicyError) {
        self.origin = origin
        self.logKeys = logKeys
        self.authorities = authorities
        self.threshold = threshold
        self.issuers = issuers
        self.contentTypes = contentTypes
        self.limits = limits
        self.rates = rates
        self.allowUnwitnessed = allowUnwitnessed
        self.governance = governance
        self.bounds = bounds
        self.previous = previous
        let cbor = Policy.cbor(
            origin, logKeys, authorities, threshold, issuers, contentTypes, limits, rates, allowUnwitnessed,
            governance, bounds, previous)
        digest = Hash.sha256(cbor.encoded())
        try checkAuthorities()
        try checkKeys()
        try checkIssuers()
        try checkContentTypes()
        try checkBounds()
    }

    private func checkAuthorities() throws(PolicyError) {
        guard (1...64).contains(authorities.count) else { throw .authorityCount(authorities.count) }
        guard (1...authorities.count).contains(threshold) else {
            throw .threshold(UInt64(clamping: threshold), authorities: authorities.count)
        }
    }

    private func checkKeys() throws(PolicyError) {
        var places: [(String, Ed25519.PublicKey)] = [
            ("logKeys.checkpoint", logKeys.checkpoint), ("logKeys.receipt", logKeys.receipt),
            ("logKeys.statement", logKeys.statement),
        ]
        for (position, key) in authorities.enumerated() { places.append(("authorities[\(position)]", key)) }
        for (position, issuer) in issuers.enumerated() { places.append(("issuers[\(position)].key", issuer.key)) }
        var seen: [Ed25519.PublicKey: String] = [:]
        for (place, key) in places {
            if let first = seen.updateValue(place, forKey: key) { throw .sameKey(first, place) }
        }
    }

    private func checkIssuers() throws(PolicyError) {
        for (position, enrolled) in issuers.enumerated() {
            guard TextRule.isURI(enrolled.issuer), !KeyDirectory.isAuthorityIssuer(enrolled.issuer) else {
                throw .issuer(enrolled.issuer)
            }
            guard Set(enrolled.roles).count == enrolled.roles.count else { throw .sameRole("issuers[\(position)]") }
        }
    }

    private func checkContentTypes() throws(PolicyError) {
        var seen: Set<String> = []
        for type in contentTypes {
            guard TextRule.isVisibleASCII(type, 1...255) else { throw .contentType(type) }
            guard seen.insert(type).inserted else { throw .sameContentType(type) }
        }
    }

    private func checkBounds() throws(PolicyError) {
        let any: ClosedRange<UInt64> = 1...UInt64.max
        let numbers: [(String, UInt64, ClosedRange<UInt64>)] = [
            ("limits.maxEntryBytes", limits.maxEntryBytes, 1024...65_535),
            ("limits.maxSkew", limits.maxSkew, any),
            ("limits.maxBatch", limits.maxBatch, 1...65_536),
            ("limits.maxStreamsPerIssuer", limits.maxStreamsPerIssuer, any),
            ("governance.maxPermit", rulesOfGovernance.maxPermit, any),
            ("rates.perIssuer.perSecond", rates.perIssuer.perSecond, any),
            ("rates.perIssuer.burst", rates.perIssuer.burst, any),
            ("rates.perAddress.perSecond", rates.perAddress.perSecond, any),
            ("rates.perAddress.burst", rates.perAddress.burst, any),
        ]
        for (path, value, allowed) in numbers where !allowed.contains(value) {
            throw .outOfBounds(path, value, allowed: allowed)
        }
        for (name, value, allowed) in boundsOfEvaluation.named where !allowed.contains(value) {
            throw .outOfBounds("bounds.\(name)", value, allowed: allowed)
        }
    }

    /// What governs containments, permits and leases.
    public var rulesOfGovernance: PolicyGovernance { governance ?? PolicyGovernance() }

    /// What binds the evaluation of requests.
    public var boundsOfEvaluation: PolicyBounds { bounds ?? PolicyBounds() }

    /// Whether opaque evidence of this kind is admitted.
    ///
    /// - Parameters:
    ///   - contentType: the statement's content type, or `hash-envelope`.
    ///   - preimage: for a statement over a digest, the content type of what was hashed, if it says.
    public func allows(contentType: String, preimage: String? = nil) -> Bool {
        contentTypes.contains { allowed in
            allowed == "*" || allowed.hasSameUTF8(as: contentType) || preimage.map(allowed.hasSameUTF8) == true
        }
    }
}
