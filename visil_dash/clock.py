"""Times in a video as a player shows them."""


def clock(seconds: float, *, digits: int = 0) -> str:
    """83.4 → 1:23, 3723 → 1:02:03; with two digits 83.417 → 1:23.42. Never negative."""
    parts = 10**digits
    whole, part = divmod(max(0, int(float(seconds) * parts + 0.5)), parts)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    text = f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
    return f"{text}.{part:0{digits}}" if digits else text
