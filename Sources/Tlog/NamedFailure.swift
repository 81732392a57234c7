/// An error whose kind has a stable name, so that test vectors, logs and other programs can tell failures apart
/// without parsing prose. The values that were wrong are in the error itself; the name never contains them.
public protocol NamedFailure: Error {
    /// A short lowercase name with hyphens, such as `root-mismatch`. It is part of the published vectors.
    var reason: String { get }
}
