"""From a Spec to results: cells of work, their store, the tables, and where the numbers came from."""
