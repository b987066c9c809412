"""One iteration of the loop: training, classification, cleaning, corrections."""
