"""The paper beside a run: published tables, claims, and what may differ."""
