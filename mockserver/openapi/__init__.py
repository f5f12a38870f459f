"""The contract in the forms that other tools read: OpenAPI, a Postman collection, signed `.http` requests.

All of it is made from registry, schemas, catalogue and readings; nothing here states a fact of its own about the API.
Knows nothing of HTTP servers and reads no file.
"""
