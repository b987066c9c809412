"""Reference masks against processors' masks: the job that makes the table and the pictures."""
