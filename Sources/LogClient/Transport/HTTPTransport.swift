import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SystemPackage

/// HTTP by AsyncHTTPClient: bounded answers, time-outs, no redirects (a log that moved says so to its operator).
package struct HTTPTransport: Transport {
    private let base: String
    private let client: HTTPClient
    private let timeout: TimeAmount

    /// `base` ends with a slash.
    ///
    /// - Parameter certificates: a PEM file with the authorities to trust for HTTPS; nil for those of the system.
    package init(base: String, timeout: Duration, certificates: String?) {
        self.base = base
        self.timeout = .nanoseconds(
            timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5), read: self.timeout))
        // Retries are decided in one place, by RetryPolicy.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let certificates {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(certificates)
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    package func send(_ request: ClientRequest) async throws(TransportError) -> ClientResponse {
        let deadline = NIODeadline.now() + timeout
        do {
            var outgoing = HTTPClientRequest(url: base + request.path)
            outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
            for field in request.headers { outgoing.headers.add(name: field.name, value: field.value) }
            outgoing.headers.add(name: "User-Agent", value: "holdfast")
            if request.method == .post { outgoing.body = .bytes(request.body) }
            let answer = try await client.execute(outgoing, deadline: deadline)
            var headers: [String: String] = [:]
            for field in answer.headers {
                headers[field.name.lowercased()] = headers[field.name.lowercased()] ?? field.value
            }
            var body: [UInt8] = []
            // The client's own deadline ends with the header: an answer that drips would keep it waiting for ever.
            for try await part in answer.body {
                guard body.count + part.readableBytes <= request.maximumAnswerBytes else {
                    throw TransportError.tooLarge(limit: request.maximumAnswerBytes)
                }
                guard NIODeadline.now() <= deadline else { throw TransportError.timedOut }
                body.append(contentsOf: part.readableBytesView)
            }
            return ClientResponse(status: Int(answer.status.code), headers: headers, body: body)
        } catch let error as TransportError {
            throw error
        } catch let error as HTTPClientError {
            throw Self.isTimeout(error) ? .timedOut : .unreachable(error.shortDescription)
        } catch let error as NIOConnectionError {
            throw .unreachable(Self.reason(error))
        } catch let error as IOError {
            throw .unreachable("\(Errno(rawValue: error.errnoCode))")
        } catch {
            throw .unreachable(Self.tlsReason("\(error)") ?? "\(error)")
        }
    }

    package func shutdown() async {
        // Nothing is in flight any more; a connection that can't be closed is closed by the end of the process.
        try? await client.shutdown()
    }

    private static func isTimeout(_ error: HTTPClientError) -> Bool {
        let all: [HTTPClientError] = [
            .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout,
        ]
        return all.contains(error)
    }

    /// The library's errors of TLS are its own innards; these are the ones that people meet.
    private static func tlsReason(_ text: String) -> String? {
        if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
            return "its TLS certificate is signed by no authority that is trusted here"
        }
        if text.contains("NO_CERTIFICATE_OR_CRL_FOUND") { return "there is no certificate in the file of authorities" }
        if text.contains("WRONG_VERSION_NUMBER") {
            return "it does not speak TLS, so its URL begins with http, not https"
        }
        if text.contains("handshakeFailed") { return "the TLS handshake failed; the two sides agree on no algorithm" }
        return nil
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        if let failure = error.connectionErrors.first {
            if let system = failure.error as? IOError {
                return "\(Errno(rawValue: system.errnoCode)) (\(error.host):\(error.port))"
            }
            return "\(failure.error)"
        }
        if error.dnsAError != nil || error.dnsAAAAError != nil { return "the name \(error.host) is not known" }
        return "no connection to \(error.host):\(error.port)"
    }
}
