"""A walk through the main job, in an embedded cloud."""
