"""Make pages of one file that needs no network: templates, pictures within the page, and line charts."""
