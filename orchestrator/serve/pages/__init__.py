"""The lab's pages, for people with a browser: rendered here, read only, without anything from elsewhere."""
