"""The lab's own figures: scripts that print them with machine and date. CI does not run them."""
