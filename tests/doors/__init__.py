"""The doors attacked: identities, passwords and takeovers, at the listener under both engines and at the bare backend.

entrances   three ways to knock, on one installation    test_doors   who gets in and who does not, as tables
"""
