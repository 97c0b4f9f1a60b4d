"""Flows: what each sign-in did, hop by hop, and the pages that show it. Nothing is recorded unless `[inspector]` is on."""
