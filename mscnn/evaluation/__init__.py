"""Predictions -> metrics, score lines, figures, reports, tables."""
