"""The outside behind the ports: Kubernetes and Quay. The two do not know each other."""
