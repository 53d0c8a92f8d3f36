"""How fast the product is, in ratios to plain ways of the same work: `make bench`."""
