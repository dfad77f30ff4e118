"""People and processes: the command line, the browser pages, settings; the only package that reads settings or draws."""
