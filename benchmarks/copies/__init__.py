"""Development benchmark: edited copies with known truth, and how well a model finds them."""
