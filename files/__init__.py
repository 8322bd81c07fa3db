"""Pictures, kernels and records of runs, in and out."""
