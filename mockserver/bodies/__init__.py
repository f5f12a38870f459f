"""Request bodies: strict JSON, the request schema, and the rules no schema can say. Nothing of signatures or worlds."""
