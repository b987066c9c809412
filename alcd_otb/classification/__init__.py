"""Run an iteration: train a classifier, classify the scene, clean the map, and burn the corrections."""
