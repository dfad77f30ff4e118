"""How the bundled model was made, from raw data to the folder that ships: `python -m embedder.training.pocket`."""
