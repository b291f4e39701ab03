{{/*
The service account that runs templates, and its permissions for workspaces in its own and other namespaces. Takes: root, component, account (values), name.
*/}}
{{- define "library.serviceAccount" -}}
{{- if not .account.disableCreate }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "library.labels" . | nindent 4 }}
    {{- with .account.labels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .account.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- include "library.workspaceRights" (merge (dict "namespace" .root.Release.Namespace "rights" .account) .) }}
{{- range .account.workspaceNamespaces }}
{{- include "library.workspaceRights" (merge (dict "namespace" .name "rights" .) $) }}
{{- end }}
{{- end -}}

{{/*
Namespaces in which provisionerd checks its permissions: those listed in the account's values, and its own if it has
permissions there or no other namespace is listed.
*/}}
{{- define "library.workspaceNamespacesEnv" -}}
{{- $account := .account -}}
{{- $names := list -}}
{{- if or $account.workspacePerms (not $account.workspaceNamespaces) -}}
{{- $names = append $names .root.Release.Namespace -}}
{{- end -}}
{{- range $account.workspaceNamespaces -}}
{{- $names = append $names .name -}}
{{- end -}}
- name: CODER_PROVISIONERD_WORKSPACE_NAMESPACES
  value: {{ $names | uniq | join "," | quote }}
{{- end -}}

{{- define "library.workspaceRights" -}}
{{- if .rights.workspacePerms }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}-workspaces
  namespace: {{ .namespace }}
  labels: {{- include "library.labels" . | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [pods, persistentvolumeclaims]
    verbs: [create, delete, deletecollection, get, list, patch, update, watch]
  {{- if .rights.enableDeployments }}
  - apiGroups: [apps]
    resources: [deployments]
    verbs: [create, delete, deletecollection, get, list, patch, update, watch]
  {{- end }}
  {{- with .rights.extraRules }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}-workspaces
  namespace: {{ .namespace }}
  labels: {{- include "library.labels" . | nindent 4 }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .root.Release.Namespace }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}-workspaces
{{- end }}
{{- end -}}
