/// Vectors that belong together: a folder under the output directory, and its files.
struct FixtureSuite: Sendable {
    /// Such as `tlog`.
    let folder: String
    /// Names, which may have slashes, with contents.
    let files: @Sendable () throws -> [(name: String, bytes: [UInt8])]
}
