internal import LMDB
internal import LogStore

/// Finds out a data file that was cut short, before a read of what is missing ends the process.
///
/// LMDB maps the file: reading beyond its end is no error but a signal. A file may rightly be a few pages shorter than
/// its own records say, when the last pages are free ones that were never written. So a short file is made as long as
/// it should be (the new pages are zero, and take no space), everything in it is checked, and if something is
/// missing the file gets its old length again and is refused.
struct LengthCheck {
    let file: String
    let environment: Environment

    func run(_ open: () throws -> Layout) throws -> Layout {
        let info = try environment.info()
        let needed = info.pageCount * info.pageSize
        let data = try StorageFile(existingAt: file)
        let found = try data.byteCount()
        guard found < needed else { return try open() }
        try data.resize(to: needed)
        do {
            let layout = try open()
            try environment.read { transaction in
                for database in layout.all {
                    try transaction.forEach(in: database) { _, _ in true }
                }
                try LMDBSnapshot(transaction, layout).verifyContents()
            }
            return layout
        } catch {
            try data.resize(to: found)
            throw StoreError(
                .corrupt,
                "\(file) was cut short: it has \(found) of \(needed) bytes, and what is missing is in use; restore it "
                    + "from a copy (\(error))")
        }
    }
}
