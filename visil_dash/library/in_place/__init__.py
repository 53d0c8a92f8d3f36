"""Videos of a library whose bytes stay where they lie, outside its folder."""
