"""The administrators' web application, as its build left it, for browsers: files, headers, and nothing else."""
