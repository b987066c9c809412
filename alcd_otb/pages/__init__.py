"""How jobs make pages, each one file that needs no network: templates, pictures in them, line charts."""
