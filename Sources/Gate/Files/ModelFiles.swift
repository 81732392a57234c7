public import Governance
public import Tlog

/// A directory of a model's files held against what was registered.
public struct ModelFiles: Sendable, Hashable {
    /// What is there.
    public let found: [ManifestEntry]
    /// The paths that are not as registered, in order: another content, missing, there and not registered, or no plain
    /// file.
    public let differing: [String]
    /// What a runtime that loads exactly what is there names: the digest of its manifest (``ModelRegister/digest``).
    public let digest: Hash

    /// - Parameters:
    ///   - found: what is there.
    ///   - unreadable: what is there and is no file that can be read.
    ///   - registered: what should be.
    public init(found: [ManifestEntry], unreadable: [String] = [], registered: ModelRegister) {
        let known = Dictionary(registered.manifest.map { ($0.path, $0.digest) }) { first, _ in first }
        let there = Dictionary(found.map { ($0.path, $0.digest) }) { first, _ in first }
        var differing = Set(unreadable)
        for (path, digest) in there where known[path] != digest { differing.insert(path) }
        for path in known.keys where there[path] == nil { differing.insert(path) }
        self.differing = differing.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let loaded = ModelRegister(
            model: registered.model, manifest: found, actions: registered.actions, purposes: registered.purposes)
        self.found = loaded.manifest
        digest = loaded.digest
    }
}
