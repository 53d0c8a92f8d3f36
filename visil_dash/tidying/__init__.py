"""Acting on groups: a plan that can be read and changed, carried out into the trash, and undone."""
