internal import COSE
public import Governance
internal import LogStore
internal import StoredState
internal import Tlog

// MARK: The governance state

extension Log {
    /// The value of a key of the governance state as of a sealed size, or that there was none, with all that leads from
    /// it to the published checkpoint.
    ///
    /// - Parameter size: a published size that ends with a seal and is retained; the published one if nil. For an older
    ///   one the seal is proved in the tree of the newest published checkpoint.
    /// - Throws: `StoreError` with `notFound` for a size that is not published or does not end with a seal,
    ///   `notRetained` for one whose state is no longer kept; `MapDamage` where the stored state is not what the seal
    ///   says.
    public func stateProof(_ key: StateKey, at size: UInt64? = nil) throws -> StateProof {
        try read { snapshot, head in
            let size = size ?? head.size
            let value = try snapshot.stateValue(key.bytes, at: size)
            guard size > 0, let entry = try snapshot.entry(size - 1), let leafHash = try snapshot.leafHash(at: size - 1)
            else { throw StoreError(.notFound, "there is no seal below size \(size), so nothing proves its state") }
            let seal = try Seal(SignedStatement(decoding: entry), origin: origin)
            let proof = try mapProof(key, value, PagedMap(root: seal.stateRoot), SnapshotPages(snapshot, at: size))
            var proofs = Proofs(snapshot: snapshot, cache: subtrees)
            let place = try proofs.registration(
                Placement(index: size - 1, duplicate: true), leafHash: leafHash, under: head)
            return StateProof(
                key: key, value: value, proof: proof, seal: entry, index: size - 1, path: place.proof.path,
                checkpoint: head.checkpoint.bytes)
        }
    }

    /// The proof of a value in the map, which must have it.
    private func mapProof(
        _ key: StateKey, _ value: [UInt8]?, _ map: PagedMap, _ pages: SnapshotPages
    ) throws -> MapProof {
        let place = (key: key.mapKey, value: value.map { Hash.sha256($0) })
        let proof = try map.proof(place.key, reading: pages)
        do {
            try proof.verify(key: place.key, value: place.value, root: map.root)
        } catch {
            // Says what the map has instead.
            try map.check([place], reading: pages)
            throw error
        }
        return proof
    }
}
