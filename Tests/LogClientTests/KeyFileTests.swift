import Foundation
import SystemPackage
import Testing
import Tlog

@testable import LogClient

@Suite("Key files")
struct KeyFileTests {
    private let path = NSTemporaryDirectory() + "holdfast-key-\(UUID().uuidString)"

    private func write(_ text: String, mode: Int = 0o600, to path: String? = nil) throws {
        let path = path ?? self.path
        try Data(text.utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("a key comes back from its file, which is private; its public half beside it is not")
    func roundTrip() throws {
        let key = Ed25519.SigningKey.generate()
        try KeyFile.create(key, at: path)
        #expect(try mode(path) == 0o600)
        #expect(try mode(path + ".pub") == 0o644)
        #expect(try KeyFile.read(path).publicKey == key.publicKey)
        #expect(try KeyFile.readPublic(path) == key.publicKey)
        #expect(try KeyFile.readPublic(path + ".pub") == key.publicKey)
        #expect(throws: KeyFileError.publicNotSecret(path: path + ".pub")) {
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".pub")
            return try KeyFile.read(path + ".pub")
        }
        let text = try String(contentsOfFile: path + ".pub", encoding: .utf8)
        #expect(text == "holdfast-public-key-ed25519 \(Hex.encode(key.publicKey.bytes))\n")
    }

    @Test("a file that exists is never overwritten")
    func exists() throws {
        try write("keep me")
        #expect(throws: KeyFileError.exists(path: path)) { try KeyFile.create(.generate(), at: path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "keep me")
        try FileManager.default.removeItem(atPath: path)
        try write("keep me", to: path + ".pub")
        #expect(throws: KeyFileError.exists(path: path + ".pub")) { try KeyFile.create(.generate(), at: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(
        "a secret key that others could read is refused",
        arguments: [0o644, 0o640, 0o604, 0o601, 0o610, 0o620, 0o602])
    func tooWide(_ mode: Int) throws {
        try KeyFile.create(.generate(), at: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #expect(throws: KeyFileError.tooWide(path: path, mode: UInt32(mode))) { try KeyFile.read(path) }
        #expect(throws: KeyFileError.tooWide(path: path, mode: UInt32(mode))) { try KeyFile.readPublic(path) }
        #expect(throws: KeyFileError.tooWide(path: path, mode: UInt32(mode))) { try KeyFile.checkPrivacy(of: path) }
    }

    @Test("what is no file, or is not there, is said")
    func notAFile() {
        #expect(throws: KeyFileError.notAFile(path: "/")) { try KeyFile.read("/") }
        #expect(throws: KeyFileError.self) { try KeyFile.read(path) }
    }

    @Test("a flipped bit anywhere in the line is seen")
    func damaged() throws {
        try KeyFile.create(.generate(), at: path)
        let good = try Data(contentsOf: URL(filePath: path))
        for place in good.indices {
            for bit in 0..<8 {
                var bad = good
                bad[place] ^= 1 << bit
                try bad.write(to: URL(filePath: path))
                #expect(throws: KeyFileError.self, "byte \(place) bit \(bit)") { try KeyFile.read(path) }
            }
        }
    }

    @Test(
        "a file in another form is refused, and its content is not in the error",
        arguments: [
            "", "\n", "holdfast-secret-key-ed25519\n", "holdfast-secret-key-ed25519 SEED PUBLIC",
            "holdfast-secret-key-ed25519 SEED PUBLIC\n\n", "holdfast-secret-key-ed25519 SEED PUBLIC \n",
            "holdfast-secret-key-ed25519  SEED PUBLIC\n", "holdfast-secret-key-ed25519 SEED PUBLIC\r\n",
            "holdfast-secret-key-ed25519 SEED\n", "# key\nholdfast-secret-key-ed25519 SEED PUBLIC\n",
            "holdfast-public-key-ed25519 SEED PUBLIC\n", "holdfast-secret-key SEED PUBLIC\n",
        ])
    func malformed(_ form: String) throws {
        let key = Ed25519.SigningKey.generate()
        let seed = key.withSeed { Hex.encode($0) }
        let text = form.replacing("SEED", with: seed).replacing("PUBLIC", with: Hex.encode(key.publicKey.bytes))
        try write(text)
        let error = #expect(throws: KeyFileError.self) { try KeyFile.read(path) }
        #expect(error.map { !"\($0)".contains(seed) } == true)
    }

    @Test("uppercase hex is refused, so that a key has one form")
    func uppercase() throws {
        try KeyFile.create(.generate(), at: path)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let fields = text.split(separator: " ")
        try FileManager.default.removeItem(atPath: path)
        try write("\(fields[0]) \(fields[1].uppercased()) \(fields[2])")
        #expect(throws: KeyFileError.self) { try KeyFile.read(path) }
    }
}
