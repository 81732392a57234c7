import Foundation
import Testing
import Tlog

@Suite("Ed25519")
struct Ed25519Tests {
    @Test("signs as RFC 8032 §7.1 says, test 2")
    func rfc8032() throws {
        let seed = try #require(Hex.decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
        let key = try Ed25519.SigningKey(seed: seed)
        #expect(Hex.encode(key.publicKey.bytes) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        let signature = key.sign([0x72])
        #expect(
            Hex.encode(signature)
                == "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        #expect(key.publicKey.isValid(signature: signature, for: [0x72]))
        #expect(!key.publicKey.isValid(signature: signature, for: [0x73]))
        #expect(key.withSeed { $0 } == seed)
    }

    @Test("signs and verifies the empty message, and refuses signatures of other lengths")
    func lengths() {
        let key = Ed25519.SigningKey.generate()
        let signature = key.sign([])
        #expect(key.publicKey.isValid(signature: signature, for: []))
        #expect(!key.publicKey.isValid(signature: signature + [0], for: []))
        #expect(!key.publicKey.isValid(signature: signature.dropLast(), for: []))
        #expect(!key.publicKey.isValid(signature: [UInt8](), for: []))
    }

    @Test("a private key does not print itself")
    func secrecy() throws {
        let seed = [UInt8](repeating: 0xa5, count: 32)
        let key = try Ed25519.SigningKey(seed: seed)
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("a5a5") && !text.contains("165"))
        }
    }

    @Test("says what is wrong with a public key")
    func publicKeyErrors() throws {
        func error(_ hex: String) throws -> Ed25519Error? {
            let bytes = try #require(Hex.decode(hex))
            do {
                _ = try Ed25519.PublicKey(bytes)
                return nil
            } catch { return error }
        }
        let zeros = String(repeating: "00", count: 31)
        #expect(try error("01") == .publicKeyLength(1))
        #expect(try error("01" + zeros) == .publicKeySmallOrder)
        #expect(try error("00" + zeros) == .publicKeySmallOrder)
        // y = p + 1 is the neutral element written differently; 2 is no y coordinate.
        #expect(try error("ee" + String(repeating: "ff", count: 30) + "7f") == .publicKeyNotCanonical)
        #expect(try error("02" + zeros) == .publicKeyNotOnCurve)
        #expect(throws: Ed25519Error.seedLength(31)) { try Ed25519.SigningKey(seed: [UInt8](repeating: 1, count: 31)) }
    }

    private struct CCTV: Decodable {
        let number: Int
        let key: String
        let sig: String
        let msg: String
        let flags: [String]?
    }

    /// Why a vector of CCTV must be refused, by the first rule that its flags break; nil if it must be accepted.
    ///
    /// - The key must be canonical and have prime order: `non_canonical_A`, `low_order_A`, `low_order_component_A`.
    ///   The last is our own addition to libsodium's rules: with keys of mixed order, implementations that multiply by
    ///   the cofactor and those that don't give different answers, and no honest key has one.
    /// - R must be canonical and not of small order: `non_canonical_R`, `low_order_R`.
    /// - The equation must hold without the cofactor: `low_order_residue` says it only holds with it.
    /// - k is hashed over the bytes as given, so `reencoded_k` fails; it comes with a non-canonical A or R anyway.
    /// - `low_order_component_R` is not refused by a rule of its own: with a key of prime order the equation leaves a
    ///   residue, so these carry that flag too.
    private static func refusal(_ flags: Set<String>) -> String? {
        let key = ["non_canonical_A", "low_order_A", "low_order_component_A"]
        let signature = ["non_canonical_R", "low_order_R", "low_order_residue", "reencoded_k"]
        if let rule = key.first(where: flags.contains) { return "key: \(rule)" }
        return signature.first(where: flags.contains).map { "signature: \($0)" }
    }

    @Test("answers every CCTV edge case by its flags", .enabled(if: Vectors.canRun("cctv-ed25519.json")))
    func cctv() throws {
        let cases = try JSONDecoder().decode([CCTV].self, from: Vectors.data("cctv-ed25519.json"))
        #expect(cases.count == 914)
        var accepted = 0
        for vector in cases {
            let signature = try #require(Hex.decode(vector.sig))
            let key = try? Ed25519.PublicKey(try #require(Hex.decode(vector.key)))
            let valid = key?.isValid(signature: signature, for: Array(vector.msg.utf8)) ?? false
            let refusal = Self.refusal(Set(vector.flags ?? []))
            #expect(valid == (refusal == nil), "vector \(vector.number) \(vector.flags ?? [])")
            #expect((key == nil) == (refusal?.hasPrefix("key") ?? false), "key of vector \(vector.number)")
            accepted += valid ? 1 : 0
        }
        #expect(accepted == 1)
    }

    private struct Wycheproof: Decodable {
        struct Group: Decodable {
            struct Key: Decodable { let pk: String }
            struct Case: Decodable {
                let tcId: Int
                let msg: String
                let sig: String
                let result: String
            }
            let publicKey: Key
            let tests: [Case]
        }
        let numberOfTests: Int
        let testGroups: [Group]
    }

    @Test("answers every Wycheproof case", .enabled(if: Vectors.canRun("wycheproof-ed25519.json")))
    func wycheproof() throws {
        let vectors = try JSONDecoder().decode(Wycheproof.self, from: Vectors.data("wycheproof-ed25519.json"))
        var count = 0
        for group in vectors.testGroups {
            let key = try? Ed25519.PublicKey(try #require(Hex.decode(group.publicKey.pk)))
            for vector in group.tests {
                let message = try #require(Hex.decode(vector.msg))
                let signature = try #require(Hex.decode(vector.sig))
                let valid = key?.isValid(signature: signature, for: message) ?? false
                #expect(valid == (vector.result == "valid"), "case \(vector.tcId)")
                count += 1
            }
        }
        #expect(count == vectors.numberOfTests)
    }
}
