"""Tests that need several members of the workspace."""
