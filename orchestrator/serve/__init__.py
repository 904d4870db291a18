"""The long-lived orchestrator: every active run at once, and what it tells over HTTP."""
