"""The plan and the preflight of a recipe, and the tables of its grid."""
