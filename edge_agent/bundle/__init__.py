"""Model bundles: what lies on disk, how it is checked, and how a text becomes scores. Nothing is trained here."""
