"""The facts of the API: operations, schemas, error catalogue, violations, readings, envelope. Nothing of HTTP servers."""
