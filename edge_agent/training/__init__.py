"""From histories to a bundle: data, teacher, encoder, int8, calibration, figures. Needs the extra `train`."""
