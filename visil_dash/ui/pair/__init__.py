"""What several pages draw of one pair: its two frames, its proof, a person's verdict on it."""
