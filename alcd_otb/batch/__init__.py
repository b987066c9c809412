"""Many scenes, unattended: job arrays of SLURM, or some processes here. All state is in files of one folder."""
