"""Manifests that mend, as commands to paste."""

from __future__ import annotations

REGISTER = """\
oc apply -f - <<'END'
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: quay-bridge-operator
  annotations:
    service.beta.openshift.io/inject-cabundle: "true"
webhooks:
- name: quayintegration.quay.redhat.com
  clientConfig:
    service:
      namespace: {namespace}
      name: quay-bridge-operator
      path: /admissionwebhook
  rules:
  - operations: [CREATE]
    apiGroups: [build.openshift.io]
    apiVersions: [v1]
    resources: [builds]
  failurePolicy: Fail
  matchPolicy: Exact
  timeoutSeconds: 30
  sideEffects: None
  admissionReviewVersions: [v1, v1beta1]
END"""

SERVICE = """\
oc apply -f - <<'END'
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: {namespace}
  labels:
    name: quay-bridge-operator
  annotations:
    service.beta.openshift.io/serving-cert-secret-name: quay-bridge-operator-webhook-certs
spec:
  selector:
    name: quay-bridge-operator
  ports:
  - name: https
    port: {port}
    targetPort: 9443
END"""

INTEGRATION = """\
oc apply -f - <<'END'
apiVersion: quay.redhat.com/v1
kind: QuayIntegration
metadata:
  name: quay
spec:
  clusterID: openshift
  quayHostname: https://<host of Quay>
  credentialsSecret:
    namespace: openshift-operators
    name: quay-integration
END"""
