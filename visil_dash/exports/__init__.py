"""What users download: search tables, segment lists, the HTML report."""
