"""Hours of ordinary work with faults at random: several agents and jobs, everything verified at the end."""
