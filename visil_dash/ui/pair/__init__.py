"""What several pages draw of one pair: its frames, its proof, a verdict."""
