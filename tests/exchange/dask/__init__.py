"""Chunks worked on by Dask: real schedulers and workers in processes of their own, mutual TLS on loopback."""
