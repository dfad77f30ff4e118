"""Recipes that train a backbone; this package knows files of training data, never a user's collection."""
