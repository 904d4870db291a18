"""What charts are made of: axes, colours, rows, plots, drawing."""
