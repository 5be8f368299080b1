"""The console in a browser, on the whole platform with real agents."""
