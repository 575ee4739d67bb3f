"""What a recipe does: plan and preflight."""
