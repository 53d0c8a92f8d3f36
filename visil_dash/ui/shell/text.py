"""Makes text of users and files safe to show; formats sizes, durations and shares."""

import html
import re
import unicodedata

# Control, format (zero-width, bidirectional overrides), surrogate, private use, line and
# paragraph separators: a name must not hide or reorder the text around it.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_WORD_JOINER = (
    "\u2060"  # invisible; keeps Streamlit from reading :name: as an emoji, -> as an arrow
)


def safe_name(text: str, *, longest: int = 120) -> str:
    """The name without characters that hide or reorder text, shortened in the middle.

    It may still contain Markdown or HTML: show it with st.text, or through `md` or `escaped`.
    """
    kept = "".join(c for c in text if unicodedata.category(c) not in _UNSEEN).strip()
    kept = kept or "unnamed"
    if len(kept) <= longest:
        return kept
    head = longest * 2 // 3
    return f"{kept[:head]}…{kept[-(longest - head - 1) :]}"


def md(text: str) -> str:
    """The text as Markdown that shows exactly its characters."""
    shown = " ".join(safe_name(text, longest=2000).split())
    # Emoji names and lone arrows are replaced after backslashes are gone, hence the joiner.
    shown = re.sub(r":(?=[\w/+-]+:)", f":{_WORD_JOINER}", shown)
    shown = re.sub(r"(?<!\S)(<->|->|<-|--|>=|<=|~=)(?!\S)", rf"\1{_WORD_JOINER}", shown)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", shown)


def escaped(text: str, *, empty: str = "unnamed") -> str:
    """The text for st.html, in element content or a quoted attribute."""
    return html.escape(safe_name(text, longest=1000), quote=True) if text.strip() else empty


def percent(share: float, *, digits: int = 0) -> str:
    """0.873 → 87 %."""
    return f"{100 * share:.{digits}f} %"


def size(count: float) -> str:
    """1536 → 1.5 kB (powers of ten, as drives and browsers count)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def seconds(value: float) -> str:
    """A measured duration: 0.0123 → 12 ms, 3.21 → 3.2 s."""
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def duration_text(seconds: float) -> str:
    """0.02 → 20 ms, 75 → 1.2 min, 90000 → 25 h, 4e5 → 4.6 days."""
    for unit, length, below in (("ms", 0.001, 1), ("s", 1, 60), ("min", 60, 3600)):
        if seconds < below:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 3600:.3g} h" if seconds < 172_800 else f"{seconds / 86_400:,.1f} days"


def rough_duration(seconds: float) -> str:
    """Of an estimate: 34.2 → 34 s, 170 → 3 min, 9000 → 2.5 h, 400000 → 4.6 days."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def plural(count: int, word: str, many: str | None = None) -> str:
    """(1, frame) → 1 frame; (1200, frame) → 1,200 frames."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"
