"""The figures as a table, on the screen and as a page."""

MARK = "<!-- figures: written by bench/run --docs -->"


def rows(result):
    ours, theirs = result["longwave"]["queries"], result["duckdb"]["queries"]
    for n in sorted(theirs):
        yield n, ours.get(n), theirs[n]


def ratio(a, b):
    return f"{a / b:.2f}" if a and b else "-"


def table(result):
    """All figures as a page's tables."""
    ours, theirs = result["longwave"], result["duckdb"]
    out = ["", f"TPC-H at scale {result['scale']:g}, best of {result['runs']}, milliseconds", ""]
    out += ["| query | Longwave | DuckDB | ratio | |", "|---|---:|---:|---:|---|"]
    total = [0.0, 0.0]
    for n, a, b in rows(result):
        note = ""
        if n in ours["errors"]:
            note = "failed: " + ours["errors"][n].splitlines()[0][:80]
        elif str(n) in result["wrong"]:
            note = "wrong: " + result["wrong"][str(n)][:80]
        shown = f"{a * 1000:.0f}" if a else "-"
        out.append(f"| {n} | {shown} | {b * 1000:.0f} | {ratio(a, b)} | {note} |")
        if a:
            total[0] += a
            total[1] += b
    out.append(
        f"| **total** | **{total[0] * 1000:.0f}** | **{total[1] * 1000:.0f}** | **{ratio(*total)}** | |"
    )
    out += ["", "Loading text files, seconds (Longwave: COPY from its S3 endpoint)", ""]
    out += ["| table | Longwave | DuckDB | ratio |", "|---|---:|---:|---:|"]
    for name in ("lineitem", "orders"):
        a, b = ours["load_s"][name], theirs["load_s"][name]
        out.append(f"| {name} | {a:.2f} | {b:.2f} | {ratio(a, b)} |")
    a, b = sum(ours["load_s"].values()), sum(theirs["load_s"].values())
    out.append(f"| all eight | {a:.2f} | {b:.2f} | {ratio(a, b)} |")
    out += ["", "Peak memory of the process, MiB: "]
    out[-1] += f"Longwave {ours['peak_mib']} (after loading {ours['load_peak_mib']}), "
    out[-1] += f"DuckDB {theirs['peak_mib']}."
    if "small" in result:
        out += ["", "Small statements per second, one session, each its own transaction", ""]
        out += ["| statement | Longwave | PostgreSQL | ratio |", "|---|---:|---:|---:|"]
        other = result["small"].get("postgresql", {})
        for kind in ("insert", "select", "update"):
            a, b = result["small"]["longwave"][kind], other.get(kind)
            out.append(f"| {kind} | {a:.0f} | {f'{b:.0f}' if b else '-'} | {ratio(a, b)} |")
    return "\n".join(out) + "\n"


def write_docs(path, result):
    """Puts the figures below the mark of the page, and leaves alone what is above it and from the next
    heading on."""
    machine = result["machine"]
    text = path.read_text() if path.exists() else "# Benchmarks\n\n"
    head, _, rest = text.partition(MARK)
    heading = rest.find("\n## ")
    tail = rest[heading:] if heading >= 0 else ""
    facts = (
        f"Measured {result['date']} on {machine['cpus']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}, DuckDB {result['duckdb']['version']}.\n"
    )
    path.write_text(f"{head}{MARK}\n\n{facts}{table(result)}{tail}")
