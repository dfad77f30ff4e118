"""The history of the catalogue's tables, applied in order when a collection is opened."""
