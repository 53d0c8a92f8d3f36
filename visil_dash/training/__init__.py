"""Making models: photos and augmentations, teachers, distillation, whitening and attention fits."""
