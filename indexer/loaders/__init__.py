"""One small module per family of files; `indexer.load` is the face, and the only way in for the rest of the product."""
