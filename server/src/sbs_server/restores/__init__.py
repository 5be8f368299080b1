"""Restores to an agent."""
