import Foundation

/// A certificate for localhost and its key, in files. It protects nothing: the key is here for everyone to read.
struct TestCertificate {
    let certificate: String
    let key: String
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificate = directory.appendingPathComponent("chain.pem").path
        key = directory.appendingPathComponent("key.pem").path
        try Self.certificatePEM.write(toFile: certificate, atomically: true, encoding: .utf8)
        try Self.keyPEM.write(toFile: key, atomically: true, encoding: .utf8)
    }

    func remove() {
        try? FileManager.default.removeItem(at: directory)
    }

    private static let keyPEM = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv5mdSuhSE/bAJK0V
        p8zJW+srzf33IOPHrZ+2D2fnyUWhRANCAAQt5jFsI85pyTbrC9ADrWtnXQm79eHY
        gAX8oFDhwmhpULCe9pi4PEFwe9OHYO0jBwCZK5tQPOykkY/TANBPIl7z
        -----END PRIVATE KEY-----
        """

    private static let certificatePEM = """
        -----BEGIN CERTIFICATE-----
        MIIBnDCCAUGgAwIBAgIUboSSkIJ/laF9Fx/4kntkCzzAF08wCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTAwMjQ0NVoYDzIxMjYxMDI4
        MDAyNDQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAQt5jFsI85pyTbrC9ADrWtnXQm79eHYgAX8oFDhwmhpULCe9pi4PEFw
        e9OHYO0jBwCZK5tQPOykkY/TANBPIl7zo28wbTAdBgNVHQ4EFgQUS3GMXnqD1mpv
        /XwxMZ/ZhpM77rQwHwYDVR0jBBgwFoAUS3GMXnqD1mpv/XwxMZ/ZhpM77rQwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSQAwRgIhAPNb0kJX2CvMQmwFOQhijVw60cLTpNIU+2xAyMXUkb58AiEA
        6r5VRhhWOugAIqbuVKD8Lgl0Qnwpj4+u4jfFquHw6fw=
        -----END CERTIFICATE-----
        """
}
