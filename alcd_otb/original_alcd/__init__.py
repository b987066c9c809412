"""Make scenes from work folders of the original ALCD."""
