"""Predictions -> metrics, intervals, tests, calibration; transcripts -> word error rates. Numbers, no documents."""
