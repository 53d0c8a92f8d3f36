"""Which pairs are known to match: review verdicts, CSV files, the demo set, FIVR-200K."""
