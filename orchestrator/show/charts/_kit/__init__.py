"""Parts that charts are made of: axes, colours, rows, plots, drawing."""
