"""The targets, and the table of what was measured against them."""

BEGIN, END = "<!-- begin of what tools/bench/run writes -->", "<!-- end of what tools/bench/run writes -->"

# name: (what, target, unit, whether less is better)
TARGETS = {
    "T1": ("pipeline in process", 0.80, "V", False),
    "T2": ("HTTP, sequences of 100, load generator on the same machine", 0.50, "V", False),
    "T3": ("HTTP, one statement a request, 64 connections, load generator on the same machine", 0.40, "V", False),
    "T4 batches": ("server CPU an entry beyond its verification, sequences of 100", 10, "µs", True),
    "T4 single": ("server CPU an entry beyond its verification, one a request", 32, "µs", True),
    "T5 idle": ("latency of one request, receipt included, idle, p50", 1, "ms", True),
    "T5 half": ("latency at half of T3's rate, p99", 20, "ms", True),
    "T6 inclusion": ("inclusion proof in the server", 20, "µs", True),
    "T6 state": ("state proof", 40, "µs", True),
    "T7": ("8 KiB tile, 32 connections, against nginx serving the same file", 0.4, "nginx", False),
    "T8 signatures": ("audit of a stored log, signatures on", 0.9, "V", False),
    "T8 hashes": ("audit of a stored log, hashes only, against what one core hashes", 0.7, "core", False),
    "T9 cost": ("cost of an appended entry in a large log over that at 100 thousand", 1.25, "×", True),
    "T9 memory": ("memory of the large log that is not page cache", 300, "MiB", True),
    "T9 open": ("time to open the large log", 100, "ms", True),
    "T10 verify": ("holdfast-verify of one proof, whole process, p50", 10, "ms", True),
    "T10 allocations": ("allocations an entry in the pipeline, receipt included", 20, "allocations", True),
    "T11 cost": ("cost of a changed key in a large state over that at 10 thousand, over the growth of the logarithm", 1.25,
                 "×", True),
    "T11 bytes": ("bytes written for a changed key in a large state over those at 10 thousand, over the growth of the "
                  "logarithm", 1.25, "×", True),
}


def row(name, value, detail):
    _, target, unit, less = TARGETS[name]
    return {"value": value, "target": target, "unit": unit, "ok": value <= target if less else value >= target,
            "detail": detail}


def missing(name, why):
    _, target, unit, _ = TARGETS[name]
    return {"value": None, "target": target, "unit": unit, "ok": None, "detail": f"not measured: {why}"}


def number(value):
    if value is None:
        return "not measured"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(results):
    machine, limits = results["machine"], results["limits"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memoryGiB']} GiB, Linux {machine['kernel']}, "
        f"{machine['fileSystem']}; load average {machine['loadAverage']:.1f} before the run"
        + (" (`--quick`)" if results["quick"] else "") + ".",
        "",
        f"Limits: V = **{limits['V']:.0f}** Ed25519 verifications of 1 KiB a second on all cores (libsodium; "
        f"{limits['VRepeated']:.0f} where 64 messages come over and over); one core "
        f"hashes {limits['sha256PerSecond']:.0f} leaves of 1 KiB or {limits['nodesPerSecond']:.0f} inner nodes a "
        f"second; writing 4 KiB with `fdatasync` takes {limits['syncMicroseconds']:.0f} µs. V is measured again beside "
        "each round of a part, and each ratio is to that.",
        "",
        "| | what | measured | target | | |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in results["targets"].items():
        what, target, unit, less = TARGETS[name]
        ok = {True: "met", False: "**missed**", None: "–"}[result["ok"]]
        measured = number(result["value"]) + (f" {unit}" if result["value"] is not None else "")
        sign = "≤" if less else "≥"
        lines.append(f"| {name} | {what} | {measured} | {sign} {target:g} {unit} | {ok} | {result['detail']} |")
    return "\n".join(lines) + "\n"


def insert(path, text):
    """Puts the table between its marks."""
    old = path.read_text(encoding="utf-8") if path.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    path.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")
