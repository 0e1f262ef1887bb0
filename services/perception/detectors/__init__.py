"""Detectors, one a file or folder, behind `services.perception.detectors.base.Detector`."""
