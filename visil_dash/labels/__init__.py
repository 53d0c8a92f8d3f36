"""Known relations between videos: review verdicts, CSV files, the demo set, FIVR-200K."""
