package import NIOSSL

/// Where the files of a certificate are, both in PEM.
public struct TLSFiles: Sendable, Hashable {
    /// The certificate first, then the chain up to the root.
    public var certificateChain: String
    public var privateKey: String

    public init(certificateChain: String, privateKey: String) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}

extension TLSFiles {
    /// Reads them.
    package func configuration() throws(TLSFileFault) -> TLSConfiguration {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificateChain)
        } catch {
            throw TLSFileFault(file: certificateChain, detail: "\(error)")
        }
        guard !chain.isEmpty else {
            throw TLSFileFault(file: certificateChain, detail: "there is no certificate in it")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: privateKey, format: .pem)
        } catch {
            throw TLSFileFault(file: privateKey, detail: "\(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // Finds out now, not at the first handshake, whether certificate and key belong together.
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFileFault(file: privateKey, detail: "certificate and key do not go together: \(error)")
        }
        return configuration
    }
}

/// A certificate or key that cannot be used.
package struct TLSFileFault: Error {
    package let file: String
    package let detail: String
}
