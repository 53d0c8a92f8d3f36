"""A small annotation in the form of FIVR-200K's."""

# The form of the real file: eleven characters an id, DA beside the four, lists of any length.
ANNOTATION = {
    "wrC_Uqk3juY": {
        "ND": ["5MBA_7vDhII", "-0gbSmNExRA"], "DS": ["0dQu-gtxxRI"],
        "CS": ["F6JjG8j8ZAE", "5MBA_7vDhII"], "IS": ["HGvbTzYPzOg"], "DA": ["zzzzzzzzzzz"],
    },
    "k_NT43aJ_Jw": {"ND": ["AhVSZmNExZA"], "DS": [], "CS": ["bbbbbbbbbbb"], "IS": ["cccccccccc1"]},
    "5MBA_7vDhII": {"ND": ["d1"], "DS": ["d2"], "CS": ["d3"], "IS": ["d4"]},
    "OZJdZ0jCDTA": {
        "ND": ["5MBA_7vDhII", "eeeeeeeeee1"], "DS": ["eeeeeeeeee1", "eeeeeeeeee2"],
        "CS": ["eeeeeeeeee3"], "IS": ["eeeeeeeeee4"],
    },
}  # fmt: skip
