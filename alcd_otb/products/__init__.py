"""Readers of what comes from outside: one module a product."""
