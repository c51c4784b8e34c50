"""Stores: where a space's records live. All of them pass :mod:`mneme.stores.conformance`."""
