"""What leaves the dashboard: search tables, segment lists, the HTML report."""
