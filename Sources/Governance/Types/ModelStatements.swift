public import COSE
public import Tlog

/// One file of a model.
public struct ManifestEntry: Sendable, Hashable {
    /// Relative, with `/` between its parts.
    public let path: String
    /// SHA-256 of the file.
    public let digest: Hash

    public init(path: String, digest: Hash) {
        self.path = path
        self.digest = digest
    }
}

/// `model.register`: a version of a model, what it consists of, and what it is for.
public struct ModelRegister: StatementData {
    public static let type = StatementType.modelRegister

    public let model: ModelVersion
    /// In the order of a CBOR map's keys, no path twice.
    public let manifest: [ManifestEntry]
    public let actions: [String]
    public let purposes: [String]

    public init(model: ModelVersion, manifest: [ManifestEntry], actions: [String], purposes: [String]) {
        self.model = model
        self.manifest = CBORMap(manifest.map { (.text($0.path), .hash($0.digest)) }).entries.map { entry in
            ManifestEntry(path: entry.key.textValue ?? "", digest: entry.value.bytesValue.flatMap { Hash($0) } ?? .zero)
        }
        self.actions = actions
        self.purposes = purposes
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["model", "manifest", "scope"])
        let scope = try FieldReader(fields.item("scope"), path: "scope", fields: ["actions", "purposes"])
        try self.init(
            model: ModelVersion(fields, "model"), manifest: ModelRegister.manifest(fields.item("manifest")),
            actions: scope.names("actions"), purposes: scope.names("purposes"))
    }

    private static func manifest(_ item: CBOR) throws(FieldError) -> [ManifestEntry] {
        guard case .map(let map) = item else { throw .wrongKind("manifest") }
        guard !map.isEmpty else { throw .invalid("manifest", "of one file or more") }
        var manifest: [ManifestEntry] = []
        for entry in map.entries {
            guard let path = entry.key.textValue else { throw .wrongKind("manifest") }
            guard isPath(path) else {
                throw .invalid("manifest", "of relative paths without empty parts, '.' and '..'; '\(path)' is none")
            }
            guard let digest = entry.value.bytesValue.flatMap({ Hash($0) }) else {
                throw .wrongKind("manifest.\(path)")
            }
            manifest.append(ManifestEntry(path: path, digest: digest))
        }
        return manifest
    }

    private static func isPath(_ path: String) -> Bool {
        TextRule.isName(path, 1...1024)
            && path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
            }
    }

    private var manifestCBOR: CBOR { .map(CBORMap(manifest.map { (.text($0.path), .hash($0.digest)) })) }

    /// What a runtime that has loaded the model names: SHA-256 of the manifest's deterministic encoding.
    public var digest: Hash { Hash.sha256(manifestCBOR.encoded()) }

    public var cbor: CBOR {
        [
            "model": model.cbor, "manifest": manifestCBOR,
            "scope": ["actions": .texts(actions), "purposes": .texts(purposes)],
        ]
    }
}

/// `model.approve`: a registered version may be used under the policy in force.
public struct ModelApprove: StatementData {
    public static let type = StatementType.modelApprove

    public let model: ModelVersion
    /// The digest of the policy in force.
    public let policy: Hash

    public init(model: ModelVersion, policy: Hash) {
        self.model = model
        self.policy = policy
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["model", "policy"])
        try self.init(model: ModelVersion(fields, "model"), policy: fields.hash("policy"))
    }

    public var cbor: CBOR { ["model": model.cbor, "policy": .hash(policy)] }
}

/// `model.retire`: no new use; what runs may end.
public struct ModelRetire: StatementData {
    public static let type = StatementType.modelRetire

    public let model: ModelVersion

    public init(model: ModelVersion) { self.model = model }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["model"])
        try self.init(model: ModelVersion(fields, "model"))
    }

    public var cbor: CBOR { ["model": model.cbor] }
}

/// `model.revoke`: no use at all, for good.
public struct ModelRevoke: StatementData {
    public static let type = StatementType.modelRevoke

    public let model: ModelVersion
    public let reason: String

    public init(model: ModelVersion, reason: String) {
        self.model = model
        self.reason = reason
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["model", "reason"])
        try self.init(model: ModelVersion(fields, "model"), reason: fields.name("reason"))
    }

    public var cbor: CBOR { ["model": model.cbor, "reason": .text(reason)] }
}
