"""The rules, one file each: pure functions of values, total over every name that Kubernetes allows.

They import nothing that could reach outside, and raise only what their docstrings name.
"""
