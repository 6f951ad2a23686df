"""Embedded servers that speak the real protocols on loopback: an OpenShift API and a Quay.

For the demo, for the bridge's own tests, and for people who embed the SDK. They are small on purpose: what they do not
imitate is answered with 501.
"""
