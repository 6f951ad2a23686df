"""All benchmarks, one after the other; writes the page of the documentation that shows them: ``make bench``."""

from __future__ import annotations

from benchmarks import bridge, core, webhook
from benchmarks.figures import PAGE, Figure, counted, table


def main() -> None:
    """Measures, prints and writes."""
    figures = [*core.run(), *bridge.run(), *_webhook()]
    page = table(figures)
    print(page)
    PAGE.write_text(page, encoding="utf-8")


def _webhook() -> list[Figure]:
    rows = []
    for found in webhook.run():
        target = next(t for t in webhook.TARGETS if t.connections == found.connections)
        met = found.rate >= target.rate and found.p99 < target.p99
        ours = found.server == "quaybridge"
        beside = "" if ours else f" ({found.server}, for comparison)"
        what = f"webhook over TLS, {counted(found.connections, 'connection')}{beside}"
        limit = f"{target.rate:,.0f}/s, p99 {target.p99} ms" if ours else ""
        measured = f"{found.rate:,.0f}/s, p99 {found.p99:.2f} ms"
        rows.append(Figure(what, measured, limit, target.incumbent if ours else "", met or not ours))
    return rows


if __name__ == "__main__":
    main()
