"""Videos of FIVR-200K: choosing them by annotation, and downloading them by id."""
