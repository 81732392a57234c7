internal import LMDB
internal import LogStore
internal import Synchronization
internal import Tlog

/// Opens the index of leaf hashes beside a store: finds out whether its file is of this log, reads from the tiles what is
/// not in it yet, and makes it anew where it is of no use.
struct LeafIndexOpening {
    /// Entries that are looked for in a file before it is believed.
    private static let sampleCount: UInt64 = 16

    let place: StorageDirectory
    let journal: Journal

    /// - Parameter wasClosed: the process that had the store open last closed it in order, so what the system has in its
    ///   cache can be believed.
    func open(wasClosed: Bool, recentCount: Int) throws -> LeafIndex {
        let file = try LeafIndexFile(in: place)
        if !wasClosed {
            do {
                try file.askTheDisk()
            } catch {
                throw StoreError(.syncFailed, "what was written before cannot be brought to the disk (\(error))")
            }
        }
        var problem: String? = "there is none"
        if let header = try file.header() {
            let index = try LeafIndex(file, header: header, journal: journal, recentCount)
            problem = try inspect(index, header)
            if problem == nil { return try completed(index) }
        } else if try !file.isEmpty() {
            problem = "it is damaged, cut short, or of another version"
        }
        let header = LeafIndexHeader()
        try file.begin(header)
        // To a log that is new nothing is remade.
        if try journal.read({ $0.size }) == 0 { problem = nil }
        return try completed(
            LeafIndex(file, header: header, journal: journal, recentCount, remade: problem))
    }

    /// What is wrong with a file; nil if it is of this log. Maps what it has.
    private func inspect(_ index: LeafIndex, _ header: LeafIndexHeader) throws -> String? {
        let size = header.tree.size
        return try journal.read { view in
            let tiles = LeafTiles(view)
            guard size <= view.size else {
                return "it is of \(size) entries, and the log has not as many"
            }
            guard let root = try? tiles.root(at: size), root == header.tree.root || Mutant.indexRoot.isOff else {
                return "it is of another log, or of another history of this one"
            }
            try index.state.withLock { try index.addSegments(to: &$0, forLogOf: size) }
            for sample in 0..<min(Self.sampleCount, size) {
                let place = size / min(Self.sampleCount, size) * (sample + 1) - 1
                var leafHash: Hash?
                try? tiles.forEach(place..<place + 1) { leafHash = $1 }
                guard let leafHash, try index.firstMisplaced([leafHash], from: place, in: tiles, below: size) == nil
                else { return "it does not have entry \(place)" }
            }
            return nil
        }
    }

    /// Puts in what the file lacks: into memory if it is not much, else into the file.
    private func completed(_ index: LeafIndex) throws -> LeafIndex {
        do throws(StoreError) {
            try asStoreErrors { try complete(index) }
        } catch {
            guard error.code == .corrupt else { throw error }
            // A damaged log can be opened, and what of it is whole can be read. Which leaf hashes it has is not known.
            index.state.withLock {
                $0.failure = error
                $0.isIncomplete = true
            }
        }
        return index
    }

    private func complete(_ index: LeafIndex) throws {
        let settled = index.state.withLock { $0.header.tree.size }
        let (size, tileCount) = try journal.read {
            ($0.size, try $0.transaction.statistics(of: $0.layout.tiles).entryCount + $0.journaled.tileCount)
        }
        guard size > settled else { return }
        // Before anything is made as large as the head says.
        guard size / UInt64(Tile.fullWidth) <= UInt64(tileCount) else {
            throw StoreError.damaged("its head names \(size) entries, and it has \(tileCount) tiles")
        }
        let count = Int(size - settled)
        guard count <= 2 * index.recentCount else { return try index.settle(to: size) }
        try index.begin(at: settled, count: count)
        try journal.read { view in
            var leafHashes: [Hash] = []
            leafHashes.reserveCapacity(count)
            try LeafTiles(view).forEach(settled..<size) { leafHashes.append($1) }
            try index.add(under: index.keyed(leafHashes), from: settled)
        }
    }
}
