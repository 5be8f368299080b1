"""What changes in an organization, told live: lists and pages follow it instead of asking again and again."""
