"""People and processes: command line, browser pages, settings; the only package that reads settings or draws."""
