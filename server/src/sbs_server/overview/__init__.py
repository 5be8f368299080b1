"""The overview of an organization: what needs attention, how much there is, how the last days went."""
