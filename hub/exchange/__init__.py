"""Batch exchange 批量交换: a query document run to its end, into files."""
