"""The pages of experiments that ship."""
