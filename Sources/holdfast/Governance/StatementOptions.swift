import ArgumentParser
import Foundation
import Governance
import LogClient

/// How a statement of governance is signed, and where its files go.
struct StatementOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The secret key to sign with. Default: that of --dir: the authority's for policies, else the issuer's.",
            valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "Who makes the statement. Default: whom the log knows by the key; an authority's name follows from its key.",
            valueName: "uri"))
    var issuer: String?

    @Option(help: "The issuer's stream that the statement continues.")
    var stream = "governance"

    @Option(help: ArgumentHelp("What the statement is about. Default: what it names.", valueName: "text"))
    var about: String?

    @Option(help: ArgumentHelp("W3C Trace Context: 00-TRACE-SPAN-FLAGS.", valueName: "traceparent"))
    var trace: String?

    @Flag(
        help: "Derive what the statement has to name from all of the log's entries, in the place of asking for proofs.")
    var replay = false

    @Flag(help: "Print the statement, and what would be signed; send nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Where to write NAME.cose, NAME.transparent and NAME.tlog-proof. Default: DIR/statements of --dir, else here.",
            valueName: "dir"))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "NAME of the files. With a name, the same command again finds its statement and registers no second one. "
                + "Default: the type and the time.", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Where to remember streams. Default: in --dir, or ~/.local/state/holdfast.", valueName: "dir"))
    var state: String?

    func validate() throws {
        if let name, name.isEmpty || name.contains("/") {
            throw ValidationError("--name takes the name of a file without a directory: see --out.")
        }
        if let trace, TraceContext(traceparent: trace) == nil {
            throw ValidationError("--trace takes the form of W3C Trace Context, such as 00-<32 hex>-<16 hex>-01.")
        }
    }

    func directory(_ layout: LogLayout?) -> String {
        out ?? layout.map { $0.directory + "/statements" } ?? "."
    }
}
