"""Pictures of what a run found, one kind per file: what the report, the pages and README show."""
