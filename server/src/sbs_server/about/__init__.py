"""What product this is, for whoever asks."""
