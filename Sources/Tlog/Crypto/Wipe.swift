internal import CSodium

/// Overwriting of secrets that passed through ordinary memory, in a way that the optimiser may not leave out.
package enum Wipe {
    /// Overwrites the array with zeros, in place if nobody else holds it.
    package static func clear(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe sodium_memzero(start, buffer.count)
        }
    }
}
