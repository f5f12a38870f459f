"""What goes wrong on purpose: one file a kind, and the chain that decides whom they strike.

A kind says what it does to a request that it strikes; when it strikes (`on`, `when`, `probability`, `after`,
`times`, `every`, `ttl_seconds`) is the chain's business and the same for all. Kinds describe; only the
transport touches a socket. Nothing here knows of signatures, worlds, scenarios or Flask: the engine hands in
what is needed.
"""
