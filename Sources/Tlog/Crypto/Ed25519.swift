internal import CSodium

/// Ed25519 (RFC 8032), with strict verification.
///
/// A signature is valid only if the public key is the canonical encoding of a point of prime order, R is canonical
/// and not of small order, S is below the group order, and the equation holds without the cofactor. The table of
/// accepted and refused edge cases is in `spec/tlog.md`.
public enum Ed25519 {
    /// Bytes in a signature.
    public static let signatureByteCount = 64

    private static let libraryIsReady: Bool = sodium_init() >= 0

    fileprivate static func prepare() {
        precondition(libraryIsReady, "libsodium does not initialise")
    }

    /// A public key: 32 bytes that are the canonical encoding of a point of prime order.
    public struct PublicKey: Sendable, Hashable, CustomStringConvertible {
        private let storage: Bytes32

        /// Throws unless there are 32 bytes, they encode a point canonically, and the point has prime order.
        public init(_ bytes: [UInt8]) throws(Ed25519Error) {
            Ed25519.prepare()
            guard let storage = Bytes32(bytes) else { throw .publicKeyLength(bytes.count) }
            let accepted = unsafe storage.withUnsafeBytes {
                unsafe crypto_core_ed25519_is_valid_point($0.baseAddress!) == 1
            }
            guard accepted else { throw Self.fault(in: bytes) }
            self.storage = storage
        }

        fileprivate init(unchecked storage: Bytes32) {
            self.storage = storage
        }

        public var bytes: [UInt8] { storage.array }
        public var description: String { Hex.encode(bytes) }

        /// Whether `signature` is this key's over `message`. Allocates nothing. A signature that is not 64 bytes
        /// long is not valid.
        public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
            isValid(signature: signature[...], for: message)
        }

        /// The same, for a signature that is part of a larger buffer.
        public func isValid(signature: ArraySlice<UInt8>, for message: [UInt8]) -> Bool {
            guard signature.count == Ed25519.signatureByteCount else { return false }
            return unsafe storage.withUnsafeBytes { key in
                unsafe signature.withUnsafeBytes { signature in
                    unsafe crypto_sign_ed25519_verify_detached(
                        signature.baseAddress!, message, UInt64(message.count), key.baseAddress!) == 0
                }
            }
        }

        /// Says why the library refuses the point; only after it did.
        private static func fault(in bytes: [UInt8]) -> Ed25519Error {
            // p = 2^255 - 19 is ed ff … ff 7f in little-endian order; the top bit is the sign of x.
            let aboveFirst = bytes[1..<31].allSatisfy { $0 == 0xff } && bytes[31] & 0x7f == 0x7f
            if aboveFirst && bytes[0] >= 0xed { return .publicKeyNotCanonical }
            var point = bytes
            for _ in 0..<3 {
                var sum = [UInt8](repeating: 0, count: 32)
                guard unsafe crypto_core_ed25519_add(&sum, point, point) == 0 else { return .publicKeyNotOnCurve }
                point = sum
            }
            // Eight times the point is the neutral element (x = 0, y = 1) for a point of small order.
            return point == [1] + [UInt8](repeating: 0, count: 31) ? .publicKeySmallOrder : .publicKeyMixedOrder
        }
    }

    /// A private key. Its bytes live in memory that is locked against swapping, fenced by guard pages, and wiped
    /// when the key is let go; it can't be printed, copied or compared.
    @safe
    public final class SigningKey: Sendable, CustomStringConvertible, CustomReflectable {
        // Seed, then public key: libsodium's secret key of 64 bytes. Written only while the key is made, so that
        // reading it from any thread is safe.
        private nonisolated(unsafe) let secret: UnsafeMutablePointer<UInt8>

        /// The public half.
        public let publicKey: PublicKey

        /// Nil for a new key from the system's random numbers, or the 32-byte seed.
        private init(seed32 seed: [UInt8]?) {
            Ed25519.prepare()
            guard let memory = unsafe sodium_malloc(64) else { fatalError("no memory for a private key") }
            unsafe secret = memory.bindMemory(to: UInt8.self, capacity: 64)
            var key = [UInt8](repeating: 0, count: 32)
            if let seed {
                _ = unsafe crypto_sign_ed25519_seed_keypair(&key, secret, seed)
            } else {
                _ = unsafe crypto_sign_ed25519_keypair(&key, secret)
            }
            guard let storage = Bytes32(key) else { fatalError("a public key of \(key.count) bytes") }
            publicKey = PublicKey(unchecked: storage)
            _ = unsafe sodium_mprotect_readonly(secret)
        }

        /// A new key from the system's random numbers.
        public static func generate() -> SigningKey { SigningKey(seed32: nil) }

        /// The key of a 32-byte seed (RFC 8032's private key). The array handed over is wiped if nobody else holds it.
        public convenience init(seed: consuming [UInt8]) throws(Ed25519Error) {
            guard seed.count == 32 else { throw .seedLength(seed.count) }
            self.init(seed32: seed)
            unsafe seed.withUnsafeMutableBytes { unsafe sodium_memzero($0.baseAddress!, $0.count) }
        }

        deinit {
            // Wipes the memory, then gives it back.
            unsafe sodium_free(secret)
        }

        /// A signature of 64 bytes; the same message gives the same signature.
        public func sign(_ message: [UInt8]) -> [UInt8] {
            unsafe [UInt8](unsafeUninitializedCapacity: Ed25519.signatureByteCount) { buffer, count in
                unsafe crypto_sign_ed25519_detached(
                    buffer.baseAddress!, nil, message, UInt64(message.count), secret)
                count = Ed25519.signatureByteCount
            }
        }

        /// Lends the seed, for writing the key file; the copy is wiped afterwards.
        public func withSeed<R, E: Error>(_ body: ([UInt8]) throws(E) -> R) throws(E) -> R {
            var seed = unsafe [UInt8](UnsafeBufferPointer(start: secret, count: 32))
            defer { unsafe seed.withUnsafeMutableBytes { unsafe sodium_memzero($0.baseAddress!, $0.count) } }
            return try body(seed)
        }

        public var description: String { "Ed25519.SigningKey(publicKey: \(publicKey))" }
        public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
    }
}
