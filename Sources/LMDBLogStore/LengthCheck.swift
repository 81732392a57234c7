internal import LMDB
internal import LogStore

/// Finds out a data file that was cut short, before a read of what is missing ends the process.
///
/// LMDB maps the file: reading beyond its end is no error but a signal. Yet a file may rightly be some pages shorter
/// than its own records say, when the last pages were freed before they were ever written. So a short file is first
/// made as long as it should be (the new pages are zero, and take no space); then the list of free pages can be read
/// without harm. If every page that was missing is in it, nothing was lost. If not, the file gets its old length again
/// and is refused.
struct LengthCheck {
    let file: String
    let environment: Environment

    func run() throws {
        let info = try environment.info()
        let needed = info.pageCount * info.pageSize
        let data = try StorageFile(existingAt: file)
        let found = try data.byteCount()
        guard found < needed, !Mutant.length.isOff else { return }
        try data.resize(to: needed)
        do {
            let free = try environment.read { try $0.freePages(pageCount: info.pageCount) }
            for page in found / info.pageSize..<info.pageCount where !free.contains(UInt64(page)) {
                throw StoreError(.corrupt, "page \(page) is missing and in use")
            }
        } catch {
            try data.resize(to: found)
            throw StoreError(
                .corrupt,
                "\(file) was cut short: it has \(found) of \(needed) bytes, and not all that is missing is free; "
                    + "restore it from a copy (\(error))")
        }
    }
}
