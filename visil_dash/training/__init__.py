"""Model training: photos, augmentation, teachers, distillation, comparator, calibration."""
