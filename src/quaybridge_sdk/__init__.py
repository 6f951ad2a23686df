"""quaybridge: OpenShift's integrated registry replaced with Quay."""
