"""The doctor: what can be measured on this machine, how well, and what to do about the rest."""
