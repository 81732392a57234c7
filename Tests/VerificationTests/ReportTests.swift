import Governance
import Testing
import Tlog

@testable import Verification

@Suite("Reports")
struct ReportTests {
    private func report(_ fill: (inout CheckList) -> Void, inclusionOnly: Bool = false) -> VerificationReport {
        var list = CheckList()
        fill(&list)
        return VerificationReport(subject: .checkpoint, isInclusionOnly: inclusionOnly, checks: list.checks)
    }

    @Test("verified means: something passed, nothing failed, nothing required was left out")
    func verdicts() {
        #expect(report { _ in }.verdict == .notVerified)
        #expect(report { $0.note(.freshness, "no clock") }.verdict == .notVerified)
        #expect(report { $0.pass(.root) }.verdict == .verified)
        #expect(report({ $0.pass(.root) }, inclusionOnly: true).verdict == .inclusionOnly)
        let failed = report {
            $0.pass(.root)
            $0.leaveOut(.tiles, "why")
            $0.fail(.seals, "code", "words")
        }
        #expect(failed.verdict == .notVerified)
        #expect(failed.decidingCheck?.name == .seals)
        let open = report {
            $0.pass(.root)
            $0.leaveOut(.tiles, "why")
        }
        #expect(open.verdict == .notVerified)
        #expect(open.decidingCheck?.name == .tiles)
    }

    @Test("the text has one line a check and the verdict last")
    func text() {
        let failed = report {
            $0.pass(.root, CheckValue("size", "7"))
            $0.fail(.consistency, of: "old", "root-mismatch", "they differ", CheckValue("from", "1"))
            $0.note(.freshness, "no clock")
        }
        #expect(
            failed.text() == """
                ✓ root              size 7
                ✗ old: consistency  root-mismatch: they differ (from 1)
                – freshness         not checked: no clock
                NOT VERIFIED: old: consistency: root-mismatch: they differ (from 1)

                """)
        #expect(failed.text(colour: true).contains("\u{1B}[31m✗\u{1B}[0m"))
        let good = report {
            $0.pass(.root)
            $0.note(.freshness, "no clock")
        }
        #expect(good.verdictText() == "VERIFIED: checkpoint (not checked: freshness)")
    }

    @Test("texts out of files can't steer a terminal")
    func controls() {
        let text = report { $0.pass(.root, CheckValue("origin", "a\u{1B}[2Jb\n\u{202E}c")) }.text()
        #expect(text.hasPrefix("✓ root  origin a\\u{1b}[2Jb\\u{a}\\u{202e}c\n"))
    }

    @Test("the JSON has every check with its outcome, and the check that decided")
    func json() throws {
        let failed = report {
            $0.pass(.root, CheckValue("size", "7"))
            $0.fail(.consistency, of: "old", "root-mismatch", "they differ")
            $0.leaveOut(.tiles, "why")
        }
        #expect(
            failed.json.text() == #"{"subject":"checkpoint","verdict":"not-verified","decided-by":"consistency","#
                + #""checks":[{"name":"root","outcome":"passed","required":true,"values":{"size":"7"}},"#
                + #"{"name":"consistency","of":"old","outcome":"failed","code":"root-mismatch","#
                + #""reason":"they differ","required":true,"values":{}},"#
                + #"{"name":"tiles","outcome":"not-checked","reason":"why","required":true,"values":{}}]}"#)
        #expect(try JSON(parsing: failed.json.text(.pretty)) == failed.json)
    }

    @Test("check names are stable: lowercase words with hyphens, none twice")
    func names() {
        let names = CheckName.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0 == "-" || ($0.isLetter && $0.isLowercase) } })
    }
}
