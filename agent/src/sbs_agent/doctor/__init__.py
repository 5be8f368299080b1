"""`sbs-agent doctor`: checks one by one what the agent needs, also when the control plane is out of reach."""
