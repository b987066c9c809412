"""Delivery of finished maps, in the layouts that others read."""
