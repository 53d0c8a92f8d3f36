"""What the planner measures on a machine, in round numbers."""

from visil_dash.laboratory.planner.costs import Rates

RATES = Rates(
    extracted_frames_per_second=100,
    decoded_seconds_per_second=50,
    indexed_frames_per_second=2000,
    graph_milliseconds_per_query_frame=0.5,
    graph_frames=4096,
    compared_pairs_per_second=1_000_000,
    cores=2,
    memory_bytes=16_000_000_000,
    disk_free_bytes=100_000_000_000,
)
