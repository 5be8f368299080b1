"""The administrators' and agents' API as one application: its frame, its routers, its document."""
