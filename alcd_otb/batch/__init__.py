"""Run many scenes unattended, in job arrays of SLURM or in local processes. All state is in files of one folder."""
