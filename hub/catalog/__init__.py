"""The catalog: manifests are imported, reviewed by somebody else, and published as immutable snapshots."""
