/// Where the files of a tlog-tiles log are: a directory, a server, memory.
public protocol TileSource: Sendable {
    /// The content of a resource below the log's prefix: `checkpoint`, `tile/0/x001/067`, `tile/entries/000.p/8`.
    ///
    /// - Returns: nil if there is no such resource.
    /// - Throws: if it is there and can't be read. That is no fault of the log's, so a verification ends with the error
    ///   and without a report.
    func read(_ path: String) throws -> [UInt8]?

    /// Calls `body` with the path of each file below `tile/`, in any order; not at all where they can't be listed.
    func forEachName(_ body: (String) throws -> Void) throws
}

extension TileSource {
    public func forEachName(_ body: (String) throws -> Void) throws {}
}
