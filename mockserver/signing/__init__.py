"""Signatures: the checksum, the signed query, the apps that may call. Nothing of bodies, worlds or HTTP servers."""
